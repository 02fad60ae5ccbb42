# Scope: what diffusers makes of a checkpoint, stage by stage, with its times; and how far another program's tensors are
# from it.
#
#     python run_stages.py FOLDER --out STAGES.safetensors --latents-in START.safetensors
#     python run_stages.py FOLDER --rows 57 --columns 100 --steps 5 ...      800x456 pixels; 32x32 latents without
#     python run_stages.py --compare STAGES.safetensors OURS.safetensors     or OURS.png
#
# Stages (float32; images and latents channels-last, [batch, rows, columns, channels]): ids, text, latents.initial,
# unet.first and unet.last (the null prompt, then the prompt), latents.1 ... latents.N (after each step), image (0...1),
# moments (what the encoder makes of that image: means, then log variances). The file's metadata hold the guidance.
# START.safetensors is written when it does not exist, with one tensor `latents` [1, 4, rows, columns], as
# `detdiffusion-worker generate --latents-in` takes it: both programs begin with it.
import argparse
import math
import pathlib
import sys
import time

import torch
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/Engine/DiffusionTests/Golden"))
import versions  # noqa: E402

PROMPT = "An image with person <l9000> <l44000> [easy] dog <l3> <l65000> [hard] grass <l0> <l65535> [background]"


def channels_last(value):
    return value.permute(0, 2, 3, 1).contiguous().float()


class Stages:
    """Named tensors, and the seconds that each took."""

    def __init__(self):
        self.values, self.seconds = {}, {}

    def run(self, name, work, convert=lambda value: value.float()):
        begin = time.monotonic()
        with torch.no_grad():
            value = work()
        self.seconds.setdefault(name.split(".")[0], []).append(time.monotonic() - begin)
        self.values[name] = convert(value).contiguous()
        return value


def run(options):
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(options.folder, torch_dtype=torch.float32)
    solver = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    solver.set_timesteps(options.steps)
    stages = Stages()
    ids = pipeline.tokenizer(["", options.prompt], padding="max_length", max_length=77, return_tensors="pt").input_ids
    stages.run("ids", lambda: ids)
    hidden = stages.run("text", lambda: pipeline.text_encoder(ids).last_hidden_state)
    latents = stages.run("latents.initial", lambda: start(options), channels_last)
    for index, moment in enumerate(solver.timesteps):
        both = torch.cat([latents, latents])
        output = stages.run(
            "unet.first" if index == 0 else "unet.last",
            lambda: pipeline.unet(both, moment, encoder_hidden_states=hidden).sample, channels_last)
        null, prompted = output.chunk(2)
        guided = null + options.guidance * (prompted - null)
        latents = solver.step(guided, moment, latents).prev_sample
        stages.values[f"latents.{index + 1}"] = channels_last(latents)
    scaled = latents / pipeline.vae.config.scaling_factor
    decoded = stages.run(
        "image", lambda: pipeline.vae.decode(scaled).sample, lambda v: channels_last((v / 2 + 0.5).clamp(0, 1)))
    picture = (decoded / 2 + 0.5).clamp(0, 1) * 2 - 1
    stages.run("moments", lambda: pipeline.vae.encode(picture).latent_dist.parameters, channels_last)
    save_file(stages.values, options.out, metadata={"guidance": str(options.guidance), "prompt": options.prompt})
    for name, seconds in stages.seconds.items():
        print(f"{name:8} {len(seconds):3} calls, median {sorted(seconds)[len(seconds) // 2]:.2f} s")
    for name, value in stages.values.items():
        print(f"{name:16} {list(value.shape)!s:20} deviation {value.std():.3f}")


def start(options):
    path = pathlib.Path(options.latents_in)
    if not path.exists():
        draw = torch.Generator().manual_seed(options.seed)
        save_file({"latents": torch.randn(1, 4, options.rows, options.columns, generator=draw)}, path)
    return load_file(path)["latents"]


def compare(paths):
    """Relative L2 and largest difference of the tensors of the same name; a lone `latents`, as `generate --latents-out` writes
    it, is held beside the last step's."""
    expected, found = load_file(paths[0]), load_ours(paths[1])
    last = max((name for name in expected if name.removeprefix("latents.").isdigit()), default=None,
               key=lambda name: int(name.removeprefix("latents.")))
    if "latents" in found and last:
        found[last] = channels_last(found.pop("latents"))
    shared = [name for name in expected if name in found]
    if not shared:
        sys.exit(f"{paths[0]} has {sorted(expected)}, {paths[1]} has {sorted(found)}: no name in common")
    for name in shared:
        a, b = expected[name].double(), found[name].double()
        if a.numel() != b.numel():
            sys.exit(f"{name}: {list(a.shape)} expected, {list(b.shape)} found")
        difference = a - b.reshape(a.shape)
        line = f"{name:16} relative {difference.norm() / a.norm():.2e}  largest {difference.abs().max():.2e}"
        print(line + (f"  PSNR {psnr(difference):.1f} dB" if name == "image" else ""))


def load_ours(path):
    """Tensors, or a picture as the stage `image`."""
    if not path.endswith(".png"):
        return load_file(path)
    import numpy
    from PIL import Image

    pixels = torch.from_numpy(numpy.array(Image.open(path).convert("RGB")))
    return {"image": pixels[None].float() / 255}


def psnr(difference):
    """Peak signal-to-noise ratio of pictures in 0...1, in decibels."""
    error = difference.square().mean().item()
    return math.inf if error == 0 else -10 * math.log10(error)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--compare", nargs=2, metavar=("STAGES", "OURS"))
    parser.add_argument("--out")
    parser.add_argument("--latents-in")
    parser.add_argument("--prompt", default=PROMPT)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--columns", type=int, default=32)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--guidance", type=float, default=3.5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.compare:
        compare(options.compare)
    elif options.folder and options.out and options.latents_in:
        versions.check()
        run(options)
    else:
        parser.error("name a checkpoint folder, --out and --latents-in; or --compare two files")


if __name__ == "__main__":
    main()
