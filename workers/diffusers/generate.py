#!/usr/bin/env python3
"""Skeleton: a GPU joins with diffusers' GLIGEN pipeline. `generate.py CHECKPOINT_FOLDER`; needs torch and diffusers.

Only its protocol is tested, with a fake pipeline: no weights come with this package. For ControlNet, load
StableDiffusionControlNetPipeline, draw each task's `bbox` into a conditioning image and pass it as `image`.
"""
import hashlib
import json
import os
import pathlib
import sys

lines = os.fdopen(os.dup(1), "w", encoding="utf-8")  # the protocol's; all other output goes to the worker's log
os.dup2(2, 1)


def say(**line):
    lines.write(json.dumps(line) + "\n")
    lines.flush()


def digest(folder):
    """SHA-256 over the weight files' names and contents, in the order of their names."""
    total = hashlib.sha256()
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix in (".safetensors", ".bin"):
            with open(path, "rb") as file:
                total.update(f"{path.relative_to(folder)} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def make(pipeline, torch, task, batch):
    """One task at a time, so that an image depends on its seed alone; a batched call would be quicker."""
    try:
        options = batch["options"]
        image = pipeline(
            prompt=task["prompt"], width=batch["width"], height=batch["height"],
            gligen_phrases=[item["category"] for item in task["objects"]],
            gligen_boxes=[item["corners"] for item in task["objects"]],
            gligen_scheduled_sampling_beta=1.0,
            num_inference_steps=options.get("steps", 50), guidance_scale=options.get("guidance", 7.5),
            generator=torch.Generator("cpu").manual_seed(task["seed"]),
        ).images[0]
        image.save(os.path.join(batch["folder"], f"{task['id']}.png"))
        return {"id": task["id"], "file": f"{task['id']}.png"}
    except torch.cuda.OutOfMemoryError as error:
        return {"id": task["id"], "error": str(error), "permanent": False}


def main():
    import diffusers
    import torch
    folder = sys.argv[1]
    pipeline = diffusers.StableDiffusionGLIGENPipeline.from_pretrained(folder, torch_dtype=torch.float16).to("cuda")
    device = f"{torch.cuda.get_device_name()} torch-{torch.__version__} diffusers-{diffusers.__version__}"
    # Job prompts hold location tokens that GLIGEN does not know: enqueue with a checkpoint that was trained on them, or
    # make a prompt of `objects` here.
    say(type="ready", version=1, name="gligen", checkpoint=digest(folder), device=device, sizes=["512x512"], batch=4)
    for text in sys.stdin:
        line = json.loads(text)
        if line["type"] == "stop":
            break
        say(type="result", id=line["id"], results=[make(pipeline, torch, task, line) for task in line["tasks"]])


if __name__ == "__main__":
    main()
