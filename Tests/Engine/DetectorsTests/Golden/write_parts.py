"""Writes parts.json beside this script: what torchvision's transform, anchors and RoIAlign give for made numbers.

Needs requirements.txt."""
import json
import pathlib

import torch
from torchvision.models.detection.faster_rcnn import _default_anchorgen
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign

import made
import small_networks as small
import versions

versions.check()
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def sizes():
    """What pictures of common sizes and of hard shapes become."""
    transform = GeneralizedRCNNTransform(800, 1333, MEAN, DEVIATION).eval()
    result = []
    for width, height in [
        (640, 480), (480, 640), (500, 375), (333, 500), (427, 640), (612, 612), (800, 456), (1000, 300), (1333, 800), (641, 7), (3, 5),
        (1920, 1080), (1234, 777),
    ]:
        images, _ = transform([torch.zeros(3, height, width)])
        rows, columns = images.image_sizes[0]
        result.append([width, height, columns, rows, images.tensors.shape[3], images.tensors.shape[2]])
    return result


def pixels():
    """A picture that grows, and one that shrinks."""
    result = []
    for shorter, longer in [(70, 90), (25, 30)]:
        picture = made.image("transform", 1, 53, 41, 3)
        transform = GeneralizedRCNNTransform(shorter, longer, MEAN, DEVIATION).eval()
        images, _ = transform([torch.from_numpy(picture).permute(2, 0, 1).float() / 255])
        result.append({"shorter": shorter, "longer": longer, "values": small.sampled([images.tensors], 7)[0]})
    return result


def regions():
    """Regions of all sizes, at the edges and beyond them."""
    maps = {
        str(level): torch.from_numpy(made.floats(f"map{level}", 1, (1, 3, 160 >> level, 192 >> level), 0, 1))
        for level in range(4)
    }
    boxes = torch.tensor([
        [10, 20, 30, 40], [0, 0, 768, 640], [700.5, 600.25, 768, 640], [3, 3, 3.2, 3.1], [100, 50, 212.5, 161.25],
        [200, 100, 424.5, 324.5], [0, 0, 111.9, 111.9], [300, 20, 310, 620], [5, 600, 760, 640], [-40, -30, 20, 25],
        [400, 300, 520, 450], [20, 20, 700, 600], [767.5, 639.5, 768, 640],
    ])
    values = MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2)(maps, [boxes], [(640, 768)])
    return {"boxes": small.short(boxes), "values": small.short(values)}


anchors = _default_anchorgen()
(pathlib.Path(__file__).parent / "parts.json").write_text(json.dumps({
    "versions": versions.found(), "sizes": sizes(), "pixels": pixels(), "regions": regions(),
    "anchors": [small.short(shapes) for shapes in anchors.cell_anchors],
}) + "\n")
