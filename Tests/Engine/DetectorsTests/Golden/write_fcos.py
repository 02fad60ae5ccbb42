"""Writes fcos.json beside this script: what torchvision's FCOS computes with a small network of made weights.

Needs requirements.txt. The seed is the first with which boxes come out and no decision hangs on a rounding."""
import pathlib

import torch
from torch import nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

import small_networks as small
import versions

versions.check()
CLASSES, CHANNELS = 5, 64
CANDIDATES = 60
SPECIAL = {
    "inner_blocks.0.0.weight": 0.25, "inner_blocks.1.0.weight": 0.2, "inner_blocks.2.0.weight": 0.15,
    "cls_logits.weight": 0.7, "cls_logits.bias": (-2.6, 0.3), "bbox_reg.weight": 0.6, "bbox_reg.bias": (1.5, 0.3),
    "bbox_ctrness.weight": 0.5,
}


def compute(seed):
    body = small.SmallResNet(nn.BatchNorm2d)
    backbone = BackboneWithFPN(
        body, {f"layer{n + 2}": str(n) for n in range(3)}, body.channels[1:], CHANNELS,
        extra_blocks=LastLevelP6P7(CHANNELS, CHANNELS))
    model = FCOS(
        backbone, CLASSES, min_size=small.SHORTER, max_size=small.LONGER, topk_candidates=CANDIDATES).eval()
    state = model.state_dict()
    chosen = small.spreads({name: value.shape for name, value in state.items()}, SPECIAL)
    model.load_state_dict(small.fill(state, chosen, seed))
    picture = small.picture(seed)
    kept = {}

    def keep(name):
        return lambda module, inputs, outputs: kept.__setitem__(name, (inputs, outputs))

    model.transform.register_forward_hook(keep("transform"))
    model.head.register_forward_hook(keep("head"))
    model.anchor_generator.register_forward_hook(keep("anchors"))
    result = model([torch.from_numpy(picture).permute(2, 0, 1).float() / 255])[0]
    size = kept["transform"][1][0].image_sizes[0]
    maps, outputs, anchors = kept["head"][0][0], kept["head"][1], kept["anchors"][1][0]
    sizes = [tuple(each.shape[-2:]) for each in maps]

    def levels(values):
        """One map after the other, [1, channels, rows, columns]."""
        parts = values.split([rows * columns for rows, columns in sizes], 1)
        return [part.permute(0, 2, 1).reshape(1, -1, rows, columns) for part, (rows, columns) in zip(parts, sizes)]

    # Again, step by step, for the suppression's inputs.
    boxes, scores, labels, start = [], [], [], 0
    for rows, columns in sizes:
        part = slice(start, start + rows * columns)
        start += rows * columns
        score = (outputs["cls_logits"][0, part].sigmoid() * outputs["bbox_ctrness"][0, part].sigmoid()).sqrt().flatten()
        small.clear_of(score, 0.2, "scores", 2e-6)
        places = torch.where(score > 0.2)[0]
        small.clear_cut(score[places], CANDIDATES, "candidates", 2e-6)
        best = score[places].sort(descending=True)
        places = places[best.indices][:CANDIDATES]
        cells = places // CLASSES
        box = model.box_coder.decode(outputs["bbox_regression"][0, part][cells], anchors[part][cells])
        box[:, 0::2] = box[:, 0::2].clamp(0, size[1])
        box[:, 1::2] = box[:, 1::2].clamp(0, size[0])
        boxes.append(box)
        scores.append(score[places])
        labels.append(places % CLASSES)
    boxes, scores, labels = torch.cat(boxes), torch.cat(scores), torch.cat(labels)
    suppression = small.suppression(boxes, scores, labels, 0.6)
    kept_places = suppression["kept"]
    small.clear_suppression(boxes, scores, labels, 0.6, kept_places, "objects", 2e-5)
    small.clear_cut(scores[kept_places], 100, "objects")
    small.need(torch.equal(scores[kept_places][:100], result["scores"]), "objects in another order")
    small.need(20 <= len(result["boxes"]) and len(set(result["labels"].tolist())) >= 4, "too few boxes")
    small.need(len(boxes) > len(kept_places) + 20, "too few that overlap")
    small.need(sum(len(each) == CANDIDATES for each in (scores.split(CANDIDATES))) >= 1, "too few candidates")
    return {
        "versions": versions.found(), "seed": seed,
        "image": {"width": small.WIDTH, "height": small.HEIGHT, "cell": small.CELL},
        "size": [size[1], size[0]], "shorter": small.SHORTER, "longer": small.LONGER, "classes": CLASSES,
        "candidates": CANDIDATES, "tensors": small.described(state, chosen),
        "heads": {
            "classes": small.sampled(levels(outputs["cls_logits"]), 3),
            "box": small.sampled(levels(outputs["bbox_regression"]), 5),
            "centerness": small.sampled(levels(outputs["bbox_ctrness"]), 2),
        },
        "suppression": suppression,
        "found": {
            "boxes": small.short(result["boxes"]), "scores": small.short(result["scores"]),
            "labels": result["labels"].tolist(),
        },
    }


small.search(compute, pathlib.Path(__file__).parent / "fcos.json")
