"""Writes faster_rcnn.json beside this script: what torchvision's Faster R-CNN computes with a small network of made weights.

Needs requirements.txt. The seed is the first with which boxes come out and no decision hangs on a rounding."""
import pathlib

import torch
import torchvision
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FrozenBatchNorm2d

import small_networks as small
import versions

versions.check()
CLASSES, CHANNELS, HIDDEN = 6, 16, 48
SIDES = [24, 48, 96, 192, 384]
BEFORE, AFTER = 70, 150
SPECIAL = {
    "inner_blocks.0.0.weight": 0.25, "inner_blocks.1.0.weight": 0.2, "inner_blocks.2.0.weight": 0.2, "inner_blocks.3.0.weight": 0.15,
    "rpn.head.cls_logits.weight": 0.25, "rpn.head.bbox_pred.weight": 0.1, "box_predictor.cls_score.weight": 0.6,
    "box_predictor.bbox_pred.weight": 0.4,
}


def network():
    body = small.SmallResNet(FrozenBatchNorm2d)
    backbone = BackboneWithFPN(body, {f"layer{n + 1}": str(n) for n in range(4)}, body.channels, CHANNELS)
    return FasterRCNN(
        backbone, min_size=small.SHORTER, max_size=small.LONGER,
        rpn_anchor_generator=AnchorGenerator(tuple((side,) for side in SIDES), ((0.5, 1.0, 2.0),) * 5),
        box_head=TwoMLPHead(CHANNELS * 49, HIDDEN), box_predictor=FastRCNNPredictor(HIDDEN, CLASSES),
        rpn_pre_nms_top_n_test=BEFORE, rpn_post_nms_top_n_test=AFTER).eval()


def compute(seed):
    model = network()
    state = model.state_dict()
    chosen = small.spreads({name: value.shape for name, value in state.items()}, SPECIAL)
    model.load_state_dict(small.fill(state, chosen, seed))
    picture = small.picture(seed)
    kept = {}

    def keep(name):
        return lambda module, inputs, outputs: kept.__setitem__(name, (inputs, outputs))

    model.rpn.register_forward_hook(keep("rpn"))
    model.rpn.head.register_forward_hook(keep("rpn.head"))
    model.roi_heads.box_predictor.register_forward_hook(keep("predictor"))
    model.transform.register_forward_hook(keep("transform"))
    result = model([torch.from_numpy(picture).permute(2, 0, 1).float() / 255])[0]

    images = kept["transform"][1][0]
    size = images.image_sizes[0]
    logits, differences = kept["rpn.head"][1]
    proposals = kept["rpn"][1][0][0]
    scores, changes = kept["predictor"][1]
    check_proposals(model, logits, differences, images, proposals)

    # Again, step by step, what the second stage does, for its suppression's inputs.
    boxes = model.roi_heads.box_coder.decode(changes, [proposals])
    boxes = torchvision.ops.clip_boxes_to_image(boxes, size)[:, 1:].reshape(-1, 4)
    sure = scores.softmax(-1)[:, 1:].reshape(-1)
    labels = torch.arange(1, CLASSES).repeat(len(proposals))
    small.clear_of(sure, 0.05, "scores", 2e-5)
    places = torch.where(sure > 0.05)[0]
    boxes, sure, labels = boxes[places], sure[places], labels[places]
    small.need((boxes[:, 2:] - boxes[:, :2]).min().item() > 0.02, "an empty box")
    suppression = small.suppression(boxes, sure, labels, 0.5)
    small.clear_suppression(boxes, sure, labels, 0.5, suppression["kept"], "objects")
    small.clear_cut(sure[suppression["kept"]], 100, "objects")
    small.need(20 <= len(result["boxes"]) and len(set(result["labels"].tolist())) >= 4, "too few boxes")
    small.need(len(places) > len(suppression["kept"]) + 20, "too few that overlap")
    areas = (proposals[:, 2] - proposals[:, 0]) * (proposals[:, 3] - proposals[:, 1])
    levels = 4 + torch.log2(areas.sqrt() / 224)
    for level in (3, 4):
        small.clear_of(levels, level, "level")
    small.need(len(set(levels.clamp(2, 5).floor().tolist())) >= 3, "too few levels")
    return {
        "versions": versions.found(), "seed": seed,
        "image": {"width": small.WIDTH, "height": small.HEIGHT, "cell": small.CELL},
        "size": [size[1], size[0]], "shorter": small.SHORTER, "longer": small.LONGER, "classes": CLASSES,
        "tensors": small.described(state, chosen), "sides": SIDES, "before": BEFORE, "after": AFTER,
        "objectness": small.sampled(logits, 5), "differences": small.sampled(differences, 11),
        "proposals": small.short(proposals),
        "scores": small.short(scores), "changes": small.short(changes),
        "suppression": suppression,
        "found": {
            "boxes": small.short(result["boxes"]), "scores": small.short(result["scores"]),
            "labels": result["labels"].tolist(),
        },
    }


def check_proposals(model, logits, differences, images, proposals):
    """No choice of proposals hangs on a rounding."""
    rpn, size = model.rpn, images.image_sizes[0]
    anchors = rpn.anchor_generator(images, logits)[0]
    start = 0
    boxes, scores, levels = [], [], []
    for level, (logit, difference) in enumerate(zip(logits, differences)):
        flat = logit[0].permute(1, 2, 0).reshape(-1)
        small.clear_cut(flat, BEFORE, "proposals of a level", 1e-5)
        places = flat.sort(descending=True).indices[:BEFORE]
        change = difference[0].reshape(3, 4, *difference.shape[2:]).permute(2, 3, 0, 1).reshape(-1, 4)
        box = rpn.box_coder.decode(change[places], [anchors[start:start + len(flat)][places]])[:, 0]
        boxes.append(torchvision.ops.clip_boxes_to_image(box, size))
        scores.append(flat[places])
        levels.append(torch.full_like(places, level))
        start += len(flat)
    boxes, scores, levels = torch.cat(boxes), torch.cat(scores), torch.cat(levels)
    sides = (boxes[:, 2:] - boxes[:, :2]).min(1).values
    small.clear_of(sides, 1e-3, "sides", 5e-4)
    large = sides >= 1e-3
    boxes, scores, levels = boxes[large], scores[large], levels[large]
    kept = torchvision.ops.batched_nms(boxes, scores, levels, 0.7)
    small.clear_suppression(boxes, scores, levels, 0.7, kept, "proposals", 2e-5)
    small.clear_cut(scores[kept], AFTER, "proposals")
    small.need(len(kept) > AFTER, "too few proposals")
    small.need(torch.equal(boxes[kept[:AFTER]], proposals), "proposals in another order")
    small.need(len(set(levels[kept[:AFTER]].tolist())) == 5, "a map without proposals")
    # The coarsest map's anchors are 58 pixels apart, not 64.
    small.need((proposals[levels[kept[:AFTER]] == 4, 0] > 30).any().item(), "no coarse proposal within the picture")


small.search(compute, pathlib.Path(__file__).parent / "faster_rcnn.json")
