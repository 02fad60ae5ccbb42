"""Writes atss.json beside this script: what ATSS computes with a small network of made weights.

No package that could judge is pinned here, so this is a reference written plainly after mmdetection 3.3.0 (Apache 2.0):
mmdet/models/dense_heads/atss_head.py (the head), base_dense_head.py (scores and candidates), necks/fpn.py (the pyramid),
task_modules/coders/delta_xywh_bbox_coder.py (boxes), task_modules/prior_generators/anchor_generator.py (anchors), with the
settings of configs/atss/atss_r50_fpn_1x_coco.py; and mmcv's imrescale (sizes). torchvision thins boxes out; its blocks make up
the ResNet, which has the same names there.

Needs requirements.txt. The seed is the first with which boxes come out and no decision hangs on a rounding."""
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

import small_networks as small
import versions

versions.check()
CLASSES, CHANNELS, STACKED = 5, 64, 4
CANDIDATES = 60
# 5/3 of the picture: between odd numbers of pixels no color can come out as a half.
SHORTER = 250
STRIDES = [8, 16, 32, 64, 128]
SPECIAL = {
    "lateral_convs.0.conv.weight": 0.25, "lateral_convs.1.conv.weight": 0.2, "lateral_convs.2.conv.weight": 0.15,
    "atss_cls.weight": 0.7, "atss_cls.bias": (-2.6, 0.3), "atss_reg.weight": 0.5, "atss_centerness.weight": 0.5,
}


def pair(convolution, **norm):
    """mmcv's ConvModule."""
    module = nn.Module()
    module.conv = convolution
    for name, layer in norm.items():
        module.add_module(name, layer)
    return module


class ATSS(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = small.SmallResNet(nn.BatchNorm2d)
        self.neck = nn.Module()
        self.neck.lateral_convs = nn.ModuleList(
            pair(nn.Conv2d(channels, CHANNELS, 1)) for channels in self.backbone.channels[1:])
        self.neck.fpn_convs = nn.ModuleList(
            pair(nn.Conv2d(CHANNELS, CHANNELS, 3, 1 if index < 3 else 2, 1)) for index in range(5))
        head = self.bbox_head = nn.Module()
        for name in ("cls_convs", "reg_convs"):
            head.add_module(name, nn.ModuleList(
                pair(nn.Conv2d(CHANNELS, CHANNELS, 3, 1, 1, bias=False), gn=nn.GroupNorm(32, CHANNELS))
                for _ in range(STACKED)))
        head.atss_cls = nn.Conv2d(CHANNELS, CLASSES, 3, padding=1)
        head.atss_reg = nn.Conv2d(CHANNELS, 4, 3, padding=1)
        head.atss_centerness = nn.Conv2d(CHANNELS, 1, 3, padding=1)
        head.scales = nn.ModuleList()
        for _ in STRIDES:
            scale = nn.Module()
            scale.scale = nn.Parameter(torch.tensor(1.0))
            head.scales.append(scale)

    def forward(self, x):
        stages = self.backbone(x)[1:]
        lateral = [block.conv(stage) for block, stage in zip(self.neck.lateral_convs, stages)]
        for index in (2, 1):
            lateral[index - 1] = lateral[index - 1] + F.interpolate(
                lateral[index], size=lateral[index - 1].shape[2:], mode="nearest")
        maps = [self.neck.fpn_convs[index].conv(lateral[index]) for index in range(3)]
        maps.append(self.neck.fpn_convs[3].conv(maps[-1]))
        maps.append(self.neck.fpn_convs[4].conv(maps[-1]))
        head, outputs = self.bbox_head, []
        for scale, values in zip(head.scales, maps):
            sure = box = values
            for block in head.cls_convs:
                sure = block.gn(block.conv(sure)).relu()
            for block in head.reg_convs:
                box = block.gn(block.conv(box)).relu()
            outputs.append((head.atss_cls(sure), head.atss_reg(box) * scale.scale, head.atss_centerness(box)))
        return outputs


def prepare(picture):
    """The picture at its new size, colors rounded to whole numbers, normalized and padded; and the size."""
    height, width = picture.shape[:2]
    scale = min(small.LONGER / max(height, width), SHORTER / min(height, width))
    size = int(height * scale + 0.5), int(width * scale + 0.5)
    colors = torch.from_numpy(picture).permute(2, 0, 1)[None].double()
    colors = F.interpolate(colors, size=size, mode="bilinear", align_corners=False)
    small.need(((colors - colors.floor()) - 0.5).abs().min().item() > 1e-6, "a color close to a half")
    colors = (colors + 0.5).floor().float()
    mean = torch.tensor([123.675, 116.28, 103.53])[:, None, None]
    deviation = torch.tensor([58.395, 57.12, 57.375])[:, None, None]
    colors = (colors - mean) / deviation
    rows, columns = (-(-length // 32) * 32 for length in size)
    return F.pad(colors, (0, columns - size[1], 0, rows - size[0])), size


def decode(anchors, numbers, size):
    numbers = numbers * torch.tensor([0.1, 0.1, 0.2, 0.2])
    most = abs(math.log(16 / 1000))
    center = (anchors[:, :2] + anchors[:, 2:]) * 0.5 + (anchors[:, 2:] - anchors[:, :2]) * numbers[:, :2]
    extent = (anchors[:, 2:] - anchors[:, :2]) * numbers[:, 2:].clamp(-most, most).exp()
    boxes = torch.cat([center - extent * 0.5, center + extent * 0.5], 1)
    boxes[:, 0::2] = boxes[:, 0::2].clamp(0, size[1])
    boxes[:, 1::2] = boxes[:, 1::2].clamp(0, size[0])
    return boxes


def compute(seed):
    model = ATSS().eval()
    state = model.state_dict()
    chosen = small.spreads({name: value.shape for name, value in state.items()}, SPECIAL)
    model.load_state_dict(small.fill(state, chosen, seed))
    pixels, size = prepare(small.picture(seed))
    outputs = model(pixels)
    boxes, scores, labels = [], [], []
    for stride, (sure, box, center) in zip(STRIDES, outputs):
        rows, columns = sure.shape[2:]
        sure = sure[0].permute(1, 2, 0).reshape(-1, CLASSES).sigmoid()
        box = box[0].permute(1, 2, 0).reshape(-1, 4)
        center = center[0].permute(1, 2, 0).reshape(-1).sigmoid()
        small.clear_of(sure.flatten(), 0.05, "scores", 1e-6)
        places = torch.where(sure.flatten() > 0.05)[0]
        small.clear_cut(sure.flatten()[places], CANDIDATES, "candidates", 2e-6)
        places = places[sure.flatten()[places].sort(descending=True).indices[:CANDIDATES]]
        cells = places // CLASSES
        x, y = (cells % columns * stride).float(), (cells // columns * stride).float()
        half = 8 * stride / 2
        boxes.append(decode(torch.stack([x - half, y - half, x + half, y + half], 1), box[cells], size))
        scores.append(sure.flatten()[places] * center[cells])
        labels.append(places % CLASSES)
    boxes, scores, labels = torch.cat(boxes), torch.cat(scores), torch.cat(labels)
    suppression = small.suppression(boxes, scores, labels, 0.6)
    kept = suppression["kept"]
    small.clear_suppression(boxes, scores, labels, 0.6, kept, "objects", 2e-5)
    small.clear_cut(scores[kept], 100, "objects")
    found = kept[:100]
    small.need(20 <= len(found) and len(set(labels[found].tolist())) >= 4, "too few boxes")
    small.need(len(boxes) > len(kept) + 20, "too few that overlap")
    back = torch.tensor([small.WIDTH / size[1], small.HEIGHT / size[0]] * 2)
    return {
        "versions": versions.found(), "seed": seed,
        "image": {"width": small.WIDTH, "height": small.HEIGHT, "cell": small.CELL},
        "size": [size[1], size[0]], "shorter": SHORTER, "longer": small.LONGER, "classes": CLASSES,
        "candidates": CANDIDATES, "tensors": small.described(state, chosen),
        "heads": {
            "classes": small.sampled([output[0] for output in outputs], 3),
            "box": small.sampled([output[1] for output in outputs], 5),
            "centerness": small.sampled([output[2] for output in outputs], 2),
        },
        "suppression": suppression,
        "found": {
            "boxes": small.short(boxes[found] * back), "scores": small.short(scores[found]),
            "labels": labels[found].tolist(),
        },
    }


small.search(compute, pathlib.Path(__file__).parent / "atss.json")
