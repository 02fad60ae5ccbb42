# Scope: times PyTorch, OpenVINO and diffusers' pipeline on a checkpoint, and prints one JSON object.
#
#     python engine_peers.py torch|openvino CHECKPOINT unet|decode ROWSxCOLUMNS [--runs N] [--cache FOLDER]
#     python engine_peers.py torch|openvino CHECKPOINT text 1x77
#     python engine_peers.py torch CHECKPOINT image ROWSxCOLUMNS      diffusers' pipeline, 50 steps
#
# A U-Net call is guided: batch 2, all of which these engines compute. The decoder gets one sample, the text encoder two
# prompts. float32, one thread a core.
# OpenVINO's converted models are kept in --cache; converting is not part of any time.
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

import torch

PROMPT = "An image with dog <l0> <l63> [hard]"


def parts(what, folder, rows, columns):
    """The module and its inputs."""
    draw = torch.Generator().manual_seed(1)
    noise = torch.randn(2, 4, rows, columns, generator=draw)
    if what == "unet":
        from diffusers import UNet2DConditionModel

        unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
        hidden = torch.randn(2, 77, unet.config.cross_attention_dim, generator=draw)
        return Call(unet, lambda model, *x: model(*x, return_dict=False)[0]), (noise, torch.tensor(500), hidden)
    if what == "decode":
        from diffusers import AutoencoderKL

        return Call(AutoencoderKL.from_pretrained(folder, subfolder="vae"),
                    lambda model, x: model.decode(x, return_dict=False)[0]), (noise[:1],)
    from transformers import CLIPTextModel

    text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder")
    ids = torch.randint(0, 49_000, (2, 77), generator=draw)
    return Call(text, lambda model, x: model(x).last_hidden_state), (ids,)


class Call(torch.nn.Module):
    """A model as a function of tensors."""

    def __init__(self, model, call):
        super().__init__()
        self.model, self.call = model.eval(), call

    def forward(self, *inputs):
        return self.call(self.model, *inputs)


def with_torch(options, rows, columns):
    module, inputs = parts(options.what, options.folder, rows, columns)

    def run():
        with torch.inference_mode():
            return module(*inputs)

    return run


def with_openvino(options, rows, columns):
    import openvino

    path = pathlib.Path(options.cache) / f"{options.what}-{rows}x{columns}.xml"
    if options.convert:
        module, inputs = parts(options.what, options.folder, rows, columns)
        with torch.inference_mode():
            model = openvino.convert_model(module, example_input=inputs, input=[tuple(x.shape) for x in inputs])
        path.parent.mkdir(parents=True, exist_ok=True)
        openvino.save_model(model, path, compress_to_fp16=False)
        sys.exit(0)
    if not path.exists():
        # In its own process, so that the peak of memory is that of computing.
        subprocess.run([sys.executable, *sys.argv, "--convert"], check=True)
    core = openvino.Core()
    compiled = core.compile_model(path, "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0))})
    draw = torch.Generator().manual_seed(1)
    noise = torch.randn(2, 4, rows, columns, generator=draw)
    inputs = {"unet": lambda: [noise.numpy(), torch.tensor(500).numpy(), torch.randn(2, 77, 768).numpy()],
              "decode": lambda: [noise[:1].numpy()],
              "text": lambda: [torch.randint(0, 49_000, (2, 77)).numpy()]}[options.what]()
    request = compiled.create_infer_request()
    return lambda: request.infer(inputs)


def with_pipeline(options, rows, columns):
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(options.folder, torch_dtype=torch.float32)
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return lambda steps: pipeline(PROMPT, height=rows * 8, width=columns * 8, num_inference_steps=steps,
                                  guidance_scale=3.5, generator=torch.Generator().manual_seed(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=["torch", "openvino"])
    parser.add_argument("folder")
    parser.add_argument("what", choices=["unet", "decode", "text", "image"])
    parser.add_argument("size")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--cache", default="openvino")
    parser.add_argument("--convert", action="store_true", help="only convert the model for OpenVINO")
    options = parser.parse_args()
    rows, columns = (int(side) for side in options.size.split("x"))
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if options.what == "image":
        image = with_pipeline(options, rows, columns)
        image(1)
        run = lambda: image(options.steps)  # noqa: E731
    else:
        run = {"torch": with_torch, "openvino": with_openvino}[options.engine](options, rows, columns)
        run()
    seconds = []
    for _ in range(options.runs):
        begin = time.monotonic()
        run()
        seconds.append(time.monotonic() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": statistics.median(seconds), "all": seconds, "peakMegabytes": round(peak)}))


if __name__ == "__main__":
    main()
