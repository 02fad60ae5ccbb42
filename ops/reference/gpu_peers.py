# Scope: times diffusers, eager and compiled, on what ops/gpu-check times: a guided call of the U-Net, and whole images.
#
#     python gpu_peers.py CHECKPOINT --device cuda|cpu --precision bfloat16 --batch N --unet 32x32 57x100 --image 57x100
#
# One line a finding, columns divided by tabs, as torch-check prints them. Channels last, attention by PyTorch's own
# scaled_dot_product_attention; TF32 off, as on the engine's device.
import argparse
import statistics
import sys
import time


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--unet", nargs="*", default=[])
    parser.add_argument("--image")
    parser.add_argument("--eager-only", action="store_true")
    options = parser.parse_args()
    try:
        import diffusers
        import torch
    except ImportError as error:
        print(f"diffusers\tnot measured\t{error}")
        return
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    kind = getattr(torch, options.precision)
    with torch.inference_mode():
        unet = diffusers.UNet2DConditionModel.from_pretrained(
            options.checkpoint, subfolder="unet", torch_dtype=kind).to(options.device).eval()
        unet = unet.to(memory_format=torch.channels_last)
        modes = [("eager", unet)]
        if not options.eager_only:
            modes.append(("compiled", torch.compile(unet, mode="reduce-overhead", fullgraph=True)))
        for name, model in modes:
            for size in options.unet:
                say_unet(torch, name, model, size, options, kind)
        if options.image:
            say_image(torch, diffusers, unet, options, kind)


def say_unet(torch, name, model, size, options, kind):
    """Two texts for each image, as guidance has."""
    rows, columns = map(int, size.split("x"))
    count = 2 * options.batch
    noise = torch.randn(count, 4, rows, columns, device=options.device, dtype=kind)
    noise = noise.to(memory_format=torch.channels_last)
    text = torch.randn(count, 77, model.config.cross_attention_dim, device=options.device, dtype=kind)
    step = torch.tensor(500, device=options.device)
    try:
        seconds = median(torch, options, lambda: model(noise, step, text, return_dict=False)[0].float().cpu())
        print(f"diffusers {name} unet {size}, {options.batch} guided, {options.precision}\t{seconds * 1e3:.2f} ms\t")
    except Exception as error:  # a compiler that cannot is a finding, too
        print(f"diffusers {name} unet {size}\tfailed\t{str(error).splitlines()[0][:100]}")
    sys.stdout.flush()


def say_image(torch, diffusers, unet, options, kind):
    rows, columns = map(int, options.image.split("x"))
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(
        options.checkpoint, unet=unet, torch_dtype=kind, safety_checker=None, requires_safety_checker=False)
    pipeline = pipeline.to(options.device)
    pipeline.set_progress_bar_config(disable=True)

    def run(steps):
        pipeline([""] * options.batch, height=rows * 8, width=columns * 8, num_inference_steps=steps, guidance_scale=3.5)

    try:
        run(3)
        start = time.perf_counter()
        run(options.steps)
        seconds = time.perf_counter() - start
        print(f"diffusers eager image {columns * 8}x{rows * 8}, {options.batch} together, {options.steps} steps, "
              f"{options.precision}\t{options.batch / seconds:.2f} images/s\t{seconds:.2f} s")
    except Exception as error:
        print(f"diffusers eager image\tfailed\t{str(error).splitlines()[0][:100]}")


def median(torch, options, call):
    times = []
    for _ in range(3 + options.runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times[3:])


if __name__ == "__main__":
    main()
