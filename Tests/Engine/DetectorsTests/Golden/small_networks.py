"""What the golden scripts of Faster R-CNN, FCOS and ATSS share: a small ResNet of torchvision's own blocks, made weights, and checks
that no decision hangs on a rounding."""
import json
import math
import sys

import numpy
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import Bottleneck

import made

WIDTH, HEIGHT, CELL = 210, 150, 10
# Of the network's picture: the shorter side, and the most that the longer one may have. Padded it is 352 x 256, so that the last maps
# have more columns than the width divided by their stride.
SHORTER, LONGER = 236, 400
torch.set_num_threads(2)
torch.set_grad_enabled(False)


class SmallResNet(nn.Module):
    """torchvision's ResNet with fewer channels and blocks."""

    def __init__(self, norm, stem=16, planes=(8, 12, 16, 20), blocks=(1, 2, 1, 1)):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.bn1 = norm(stem)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = stem
        self.channels = []
        for number, (width, count) in enumerate(zip(planes, blocks)):
            layer = []
            for index in range(count):
                stride = 2 if number and not index else 1
                down = None
                if not index:
                    down = nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), norm(4 * width))
                layer.append(Bottleneck(inputs, width, stride, down, norm_layer=norm))
                inputs = 4 * width
            self.add_module(f"layer{number + 1}", nn.Sequential(*layer))
            self.channels.append(inputs)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        stages = []
        for number in range(4):
            x = getattr(self, f"layer{number + 1}")(x)
            stages.append(x)
        return stages


def spreads(shapes, special):
    """For each tensor [center, spread]; `special` maps ends of names to pairs, or to a factor of the usual spread."""
    chosen = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name.endswith("running_var"):
            pair = [1.0, 0.5]
        elif name.endswith("running_mean"):
            pair = [0.0, 0.2]
        elif len(shape) == 0:
            pair = [1.0, 0.25]
        elif len(shape) == 1 and name.endswith("weight"):
            pair = [0.4, 0.1] if "bn3" in name else [1.0, 0.25]
        elif len(shape) == 1:
            pair = [0.0, 0.1]
        else:
            pair = [0.0, math.sqrt(2.0) * math.sqrt(3.0 / numpy.prod(shape[1:]))]
        for end, change in special.items():
            if name.endswith(end):
                pair = [pair[0], pair[1] * change] if isinstance(change, float) else list(change)
        chosen[name] = [float(f"{number:.6g}") for number in pair]
    return chosen


def fill(state, chosen, seed):
    """Made numbers in a state dict's tensors."""
    return {
        name: torch.from_numpy(made.floats(name, seed, tuple(value.shape), *chosen[name])) if name in chosen else value
        for name, value in state.items()
    }


def described(state, chosen):
    """What the Swift tests make the same file of."""
    return [
        {"name": name, "shape": list(value.shape), "center": chosen[name][0], "spread": chosen[name][1]}
        for name, value in state.items() if name in chosen
    ]


def picture(seed):
    return made.image("picture", seed, WIDTH, HEIGHT, CELL)


def short(values):
    return [float(f"{value:.8g}") for value in numpy.asarray(values, dtype=float).reshape(-1)]


def sampled(maps, step):
    """Every so many cells of channels-first maps [1, channels, rows, columns]: all their numbers, and the map's greatest."""
    result = []
    for values in maps:
        flat = values[0].detach().permute(1, 2, 0).reshape(-1, values.shape[1])
        cells = list(range(0, len(flat), step))
        result.append({
            "shape": [1, values.shape[2], values.shape[3], values.shape[1]], "step": step,
            "greatest": float(f"{flat.abs().max().item():.8g}"), "values": short(flat[cells].numpy()),
        })
    return result


class Close(Exception):
    """A decision hangs on a rounding: another seed."""


def need(condition, what):
    if not condition:
        raise Close(what)


def clear_of(values, bound, what, margin=1e-4):
    values = torch.as_tensor(values, dtype=torch.float64)
    if len(values):
        need((values - bound).abs().min().item() > margin, f"{what} close to {bound}")


def clear_cut(values, count, what, margin=1e-5):
    """The `count` greatest are clearly greater than the rest."""
    ordered = torch.as_tensor(values, dtype=torch.float64).sort(descending=True).values
    if len(ordered) > count:
        need((ordered[count - 1] - ordered[count]).item() > margin, f"{what} close at the cut")


def clear_suppression(boxes, scores, labels, threshold, kept, what, margin=5e-5):
    """No overlap of a kept box with one of its label is near the threshold, and no scores of overlapping boxes are near each other."""
    boxes, scores = boxes.double(), scores.double()
    overlap = torchvision.ops.box_iou(boxes[kept], boxes)
    same = labels[kept][:, None] == labels[None, :]
    need((overlap[same] - threshold).abs().min().item() > margin, f"{what}: overlap close to {threshold}")
    difference = (scores[kept][:, None] - scores[None, :]).abs()
    difference[torch.arange(len(kept)), kept] = 1
    near = same & (overlap > threshold - 0.01) & (difference < 1e-5)
    need(not near.any().item(), f"{what}: scores of overlapping boxes close")


def suppression(boxes, scores, labels, threshold):
    """Inputs and result of torchvision's class-wise suppression."""
    kept = torchvision.ops.batched_nms(boxes, scores, labels, threshold)
    return {
        "boxes": short(boxes), "scores": short(scores), "labels": labels.tolist(), "threshold": threshold,
        "kept": kept.tolist(),
    }


def search(compute, path):
    """Writes what `compute` gives for the first seed with which no decision hangs on a rounding."""
    for seed in range(1, 500):
        try:
            golden = compute(seed)
        except Close as reason:
            print(seed, reason)
            continue
        path.write_text(json.dumps(golden) + "\n")
        print("seed", seed, len(golden["found"]["labels"]), "boxes")
        return
    sys.exit(f"{path.name}: no seed serves")
