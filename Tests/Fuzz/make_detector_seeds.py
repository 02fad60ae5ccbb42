# Scope: writes the seeds of the detectors' readers into Tests/Fuzz/corpus: tiny networks of random weights.
#
#     python Tests/Fuzz/make_detector_seeds.py
#
# Needs torch and numpy of Tests/Engine/DetectorsTests/Golden/requirements.txt.
import json
import pathlib
import struct

import numpy
import torch

CORPUS = pathlib.Path(__file__).parent / "corpus"
draw = numpy.random.default_rng(1)

CFG = """[net]
width=32
height=32
[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=mish
[maxpool]
size=2
stride=2
[convolutional]
filters=4
activation=leaky
[shortcut]
from=-2
activation=linear
[upsample]
stride=2
[route]
layers=-1,0
[convolutional]
filters=6
activation=linear
[yolo]
anchors=4,5
num=1
classes=1
"""


def floats(*shape):
    return draw.normal(0, 0.3, shape).astype("<f4")


def darknet():
    """The .cfg file, a zero byte, the .weights file."""
    numbers = [floats(4), floats(4), floats(4), abs(floats(4)) + 1, floats(4 * 27)]  # a normalized convolution of 3 channels to 4
    numbers += [floats(4), floats(4 * 4), floats(6), floats(6 * 8)]
    header = struct.pack("<iiiq", 0, 2, 5, 0)
    return CFG.encode() + b"\0" + header + b"".join(each.tobytes() for each in numbers)


def normalized(name, normalization, inputs, outputs, kernel):
    return {f"{name}.weight": (outputs, inputs, kernel, kernel), f"{normalization}.weight": (outputs,),
            f"{normalization}.bias": (outputs,), f"{normalization}.running_mean": (outputs,),
            f"{normalization}.running_var": (outputs,)}


def convolution(name, inputs, outputs, kernel=3):
    return {f"{name}.weight": (outputs, inputs, kernel, kernel), f"{name}.bias": (outputs,)}


def body(prefix):
    """A ResNet of one block a stage, whose stages have 2, 2, 3 and 3 channels."""
    shapes = normalized(prefix + "conv1", prefix + "bn1", 3, 2, 7)
    inputs = 2
    for stage, outputs in enumerate((2, 2, 3, 3), 1):
        block = f"{prefix}layer{stage}.0."
        for number, (before, after, kernel) in enumerate([(inputs, 1, 1), (1, 1, 3), (1, outputs, 1)], 1):
            shapes |= normalized(f"{block}conv{number}", f"{block}bn{number}", before, after, kernel)
        if stage > 1:
            shapes |= normalized(block + "downsample.0", block + "downsample.1", inputs, outputs, 1)
        inputs = outputs
    return shapes


def linear(name, inputs, outputs):
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def faster_rcnn():
    shapes = body("backbone.body.")
    for index, channels in enumerate((2, 2, 3, 3)):
        shapes |= convolution(f"backbone.fpn.inner_blocks.{index}.0", channels, 2, 1)
        shapes |= convolution(f"backbone.fpn.layer_blocks.{index}.0", 2, 2)
    shapes |= convolution("rpn.head.conv.0.0", 2, 2) | convolution("rpn.head.cls_logits", 2, 3, 1)
    shapes |= convolution("rpn.head.bbox_pred", 2, 12, 1)
    shapes |= linear("roi_heads.box_head.fc6", 98, 2) | linear("roi_heads.box_head.fc7", 2, 2)
    return shapes | linear("roi_heads.box_predictor.cls_score", 2, 3) | linear("roi_heads.box_predictor.bbox_pred", 2, 12)


def fcos():
    """32 channels: group normalization has as many groups."""
    shapes = body("backbone.body.")
    for index, channels in enumerate((2, 3, 3)):
        shapes |= convolution(f"backbone.fpn.inner_blocks.{index}.0", channels, 32, 1)
        shapes |= convolution(f"backbone.fpn.layer_blocks.{index}.0", 32, 32)
    shapes |= convolution("backbone.fpn.extra_blocks.p6", 32, 32) | convolution("backbone.fpn.extra_blocks.p7", 32, 32)
    for head in ("classification", "regression"):
        shapes |= convolution(f"head.{head}_head.conv.0", 32, 32)
        shapes |= {f"head.{head}_head.conv.1.weight": (32,), f"head.{head}_head.conv.1.bias": (32,)}
    shapes |= convolution("head.classification_head.cls_logits", 32, 2)
    return shapes | convolution("head.regression_head.bbox_reg", 32, 4) | convolution("head.regression_head.bbox_ctrness", 32, 1)


def atss():
    shapes = body("backbone.")
    for index, channels in enumerate((2, 3, 3)):
        shapes |= convolution(f"neck.lateral_convs.{index}.conv", channels, 32, 1)
    for index in range(5):
        shapes |= convolution(f"neck.fpn_convs.{index}.conv", 32, 32)
        shapes |= {f"bbox_head.scales.{index}.scale": ()}
    for tower in ("cls", "reg"):
        place = f"bbox_head.{tower}_convs.0"
        shapes |= {f"{place}.conv.weight": (32, 32, 3, 3), f"{place}.gn.weight": (32,), f"{place}.gn.bias": (32,)}
    return shapes | (convolution("bbox_head.atss_cls", 32, 2) | convolution("bbox_head.atss_reg", 32, 4)
                     | convolution("bbox_head.atss_centerness", 32, 1))


def values(name, shape):
    return abs(floats(*shape)) + 1 if name.endswith("running_var") else floats(*shape)


def safetensors(shapes):
    header, numbers, offset = {}, b"", 0
    for name, shape in shapes.items():
        part = values(name, shape).tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + len(part)]}
        numbers, offset = numbers + part, offset + len(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def tied(shapes):
    """Tensors of a shape share storages, four a storage, so that the file stays small."""
    made, state = {}, {}
    for name, shape in shapes.items():
        key = (shape, name.endswith("running_var"), sum(other == shape for other in map(lambda x: tuple(x.shape), state.values())) // 4)
        if key not in made:
            made[key] = torch.from_numpy(numpy.asarray(values(name, shape))).to(torch.bfloat16)
        state[name] = made[key]
    return state


def write(folder, name, contents):
    path = CORPUS / folder / name
    path.parent.mkdir(exist_ok=True)
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    else:
        torch.save(contents, path)
    print(f"{path}: {path.stat().st_size} bytes")


write("darknet-weights", "small.bin", darknet())
write("detector-safetensors", "faster-rcnn.safetensors", safetensors(faster_rcnn()))
plain = {name: torch.from_numpy(numpy.asarray(values(name, shape))) for name, shape in faster_rcnn().items()}
write("detector-torch", "faster-rcnn.pth", plain)
write("detector-torch", "fcos.pth", tied(fcos()))
write("detector-torch", "atss.pth", {"meta": {"epoch": 1}, "state_dict": tied(atss())})
