# Scope: rows 8 to 11, the engine beside PyTorch, OpenVINO and diffusers' pipeline on one random checkpoint.
import json
import os
import sys

import measure
from measure import Contender, Figure, Ratio

# What is timed, the sides of the latents, how many calls, so that a host's hiccup does not decide the median of the short ones,
# and how many times as fast as PyTorch and OpenVINO it shall be.
PARTS = [("unet", "32x32", 7, 2, 1.4), ("unet", "57x100", 3, 2, 1.4), ("decode", "57x100", 3, 3, 2.4),
         ("text", "1x77", 31, 1, 1)]
NAMES = {"unet": "guided U-Net call", "decode": "decoding", "text": "text encoder, 2 prompts", "image": "image"}
KINDS = ["convolution 3x3", "linear", "self-attention", "attention to text", "normalization", "activations, sums"]


def parts(bench) -> list[Contender]:
    """Row 8: parts of the model, float32, every core."""
    found = []
    for what, size, calls, than_torch, than_openvino in PARTS:
        if bench.is_quick and size == "57x100":
            continue
        name = NAMES[what] if what == "text" else f"{NAMES[what]} {size}"
        ours = engine(bench, 8, name, what, size, "--runs", str(calls))
        if what == "unet" and size == "32x32":
            ours.figures.append(Figure("open", "s to open", goal=3))
        others = [peer(bench, 8, f"{name}, {engine_name}", kind, what, size, "--runs", str(calls))
                  for kind, engine_name in (("torch", "PyTorch eager"), ("openvino", "OpenVINO"))]
        ours.ratios = [Ratio("seconds", others[0], than_torch), Ratio("seconds", others[1], than_openvino),
                       Ratio("memory", others[0], 1 / 1.5)]
        found += [ours, *others]
    return found


def images(bench) -> list[Contender]:
    """Row 9: whole images of 256x256 pixels."""
    steps = 4 if bench.is_quick else 50
    name = f"image 256x256, {steps} steps"
    pipeline = peer(bench, 9, f"{name}, diffusers' pipeline", "torch", "image", "32x32", "--steps", str(steps), "--runs", "1")
    one = engine(bench, 9, name, "image", "32x32", "--steps", str(steps), "--runs", "1")
    four = engine(bench, 9, f"{name}, 4 in one pass", "image", "32x32", "--steps", str(steps), "--runs", "1", "--batch", "4",
                  images=4)
    one.ratios = [Ratio("seconds", pipeline, 2), Ratio("memory", pipeline, 1 / 1.5)]
    four.ratios = [Ratio("seconds", one, 1.15)]
    return [one, four, pipeline]


def small(bench) -> list[Contender]:
    """Row 10: a U-Net of 11 million parameters, and what a primitive costs by itself."""
    folder = bench.checkpoint("small", "--small")
    ours = engine(bench, 10, "guided U-Net call 32x32, 11 M parameters", "unet", "32x32", "--runs", "9", folder=folder)
    torch = peer(bench, 10, "guided U-Net call 32x32, 11 M parameters, PyTorch eager", "torch", "unet", "32x32", "--runs", "9",
                 folder=folder)
    ours.ratios = [Ratio("seconds", torch, None)]

    def overhead(_):
        lines = run_engine(bench, "layers", "8x8", "tiny", "--runs", "9")
        return {line["layer"].removeprefix("tiny "): line["milliseconds"] * 10 for line in lines}

    names = ["linear", "convolution 3x3", "attention", "group normalization", "layer normalization", "activation", "sum"]
    return [ours, torch, Contender(10, "one primitive on 16 positions of 32 channels",
                                   [Figure(name, f"µs, {name}") for name in names], overhead)]


def kinds(bench) -> list[Contender]:
    """Row 11: where a call of the U-Net goes, in GFLOP/s as if convolutions were computed directly."""
    found = [Contender(11, "product 1920x480x480",
                       [Figure("ours", "GFLOP/s", digits=0), Figure("openblas", "GFLOP/s, OpenBLAS", digits=0)],
                       lambda _: peak(bench))]
    for size in ["32x32"] if bench.is_quick else ["32x32", "57x100"]:
        figures = [Figure(f"{kind}/{key}", f"{unit}, {kind}", digits=0) for kind in KINDS
                   for key, unit in (("share", "% of the time"), ("gflops", "GFLOP/s"), ("peak", "% of the product's rate"))
                   if key == "share" or not is_light(kind)]
        found.append(Contender(11, f"guided U-Net call {size}", figures, lambda _, size=size: trace(bench, size)))
    return found


def is_light(kind: str) -> bool:
    return kind in ("normalization", "activations, sums")


def peak(bench) -> dict[str, float]:
    ours, openblas = run_engine(bench, "layers", "8x8", "product", "--runs", "19")
    return {"ours": ours["gflops"], "openblas": openblas["gflops"]}


def trace(bench, size: str) -> dict[str, float]:
    found, best = {}, peak(bench)["ours"]
    for line in run_engine(bench, "trace-unet", bench.checkpoint("sd15"), size, "--runs", "3" if size == "32x32" else "1"):
        found[f"{line['kind']}/share"] = 100 * line["share"]
        found[f"{line['kind']}/gflops"] = line["gflops"]
        found[f"{line['kind']}/peak"] = 100 * line["gflops"] / best
    return found


def engine(bench, row: int, name: str, what: str, size: str, *arguments: str, folder: str | None = None,
           images: int = 1) -> Contender:
    def run(_):
        result = run_engine(bench, what, folder or bench.checkpoint("sd15"), size, *arguments)[0]
        return {"seconds": result["seconds"] / images, "memory": result["peakMegabytes"], "open": result["open"]}

    return Contender(row, name, [Figure("seconds", "s" if images == 1 else "s an image"), Figure("memory", "MB", digits=0)], run)


def run_engine(bench, *arguments: str) -> list[dict]:
    finished = measure.run([os.path.join(bench.commands, "engine-bench"), *arguments], bench.environment, limit=900)
    return [json.loads(line) for line in finished.output.splitlines()]


def peer(bench, row: int, name: str, engine_name: str, what: str, size: str, *arguments: str,
         folder: str | None = None) -> Contender:
    def run(_):
        script = os.path.join(os.path.dirname(__file__), "engine_peers.py")
        finished = measure.run(
            [bench.model_python, script, engine_name, folder or bench.checkpoint("sd15"), what, size,
             "--cache", os.path.join(bench.data, "openvino"), *arguments], bench.environment, limit=900)
        result = json.loads(finished.output.splitlines()[-1])
        return {"seconds": result["seconds"], "memory": result["peakMegabytes"]}

    return Contender(row, name, [Figure("seconds", "s"), Figure("memory", "MB", digits=0)], run)


if __name__ == "__main__":
    sys.exit("run ops/bench --engine")
