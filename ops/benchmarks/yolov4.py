# Scope: YOLOv4's network as a darknet .cfg file, and random weights for it.
#
# Layers, sizes and anchors are those of the published yolov4.cfg (Bochkovskiy, Wang and Liao 2020): 162 layers, 64,429,405 numbers.
import struct

import numpy
import torch
import torch.nn.functional as F

SIDE, CLASSES = 608, 80
PARAMETERS = 64_429_405
ANCHORS = "12, 16, 19, 36, 40, 28, 36, 75, 76, 55, 72, 146, 142, 110, 192, 243, 459, 401"


class Network:
    """A list of layers, each a kind and its options; layers name others by their places."""

    def __init__(self):
        self.layers = []

    def add(self, kind, **options):
        self.layers.append((kind, options))
        return len(self.layers) - 1

    def conv(self, filters, size=1, stride=1, activation="mish", normalized=1):
        return self.add("convolutional", batch_normalize=normalized, filters=filters, size=size, stride=stride, pad=1,
                        activation=activation)

    def route(self, *places):
        return self.add("route", layers=", ".join(map(str, places)))

    def stage(self, filters, blocks):
        """A stage of CSPDarknet53: half of the channels go around its residual blocks; all of them in the first stage."""
        half = filters // 2 if filters > 64 else filters
        down = self.conv(filters, 3, 2)
        around = self.conv(half)
        self.route(down)
        self.conv(half)
        for _ in range(blocks):
            before = len(self.layers) - 1
            self.conv(half if filters > 64 else half // 2)
            self.conv(half, 3)
            self.add("shortcut", **{"from": before, "activation": "linear"})
        self.route(self.conv(half), around)
        return self.conv(filters)

    def narrow(self, filters, times):
        """1 x 1 and 3 x 3 in turn; ends with 1 x 1."""
        for _ in range(times):
            self.conv(filters, 1, activation="leaky")
            self.conv(2 * filters, 3, activation="leaky")
        return self.conv(filters, 1, activation="leaky")

    def finer(self, filters, stage):
        """The map so far in twice the size beside a stage's, then five convolutions."""
        self.conv(filters, activation="leaky")
        above = self.add("upsample", stride=2)
        self.route(stage)
        self.route(self.conv(filters, activation="leaky"), above)
        return self.narrow(filters, 2)

    def head(self, filters, mask, scale):
        self.conv(filters, 3, activation="leaky")
        self.conv(3 * (5 + CLASSES), activation="linear", normalized=0)
        self.add("yolo", mask=mask, anchors=ANCHORS, classes=CLASSES, num=9, scale_x_y=scale, nms_kind="greedynms",
                 beta_nms=0.6)

    def coarser(self, finer, filters, other):
        self.route(finer)
        down = self.conv(filters, 3, 2, activation="leaky")
        self.route(down, other)
        return self.narrow(filters, 2)


def layers():
    net = Network()
    net.conv(32, 3)
    stages = [net.stage(filters, blocks) for filters, blocks in [(64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)]]
    last = net.narrow(512, 1)
    pools = []
    for size in (5, 9, 13):
        if pools:
            net.route(last)
        pools.append(net.add("maxpool", stride=1, size=size))
    net.route(*reversed(pools), last)
    deep = net.narrow(512, 1)
    middle = net.finer(256, stages[3])
    fine = net.finer(128, stages[2])
    net.head(256, "0, 1, 2", 1.2)
    wide = net.coarser(fine, 256, middle)
    net.head(512, "3, 4, 5", 1.1)
    net.coarser(wide, 512, deep)
    net.head(1024, "6, 7, 8", 1.05)
    return net.layers


def text():
    lines = ["[net]", f"width={SIDE}", f"height={SIDE}", "channels=3"]
    for kind, options in layers():
        lines += ["", f"[{kind}]", *(f"{name}={value}" for name, value in options.items())]
    return "\n".join(lines) + "\n"


def write_weights(path, pixels, seed):
    """Random weights; each normalization's statistics are those of `pixels` [1, 3, SIDE, SIDE], so that numbers keep their size."""
    draw = torch.Generator().manual_seed(seed)
    outputs, count = [], 0
    with open(path, "wb") as file, torch.inference_mode():
        file.write(struct.pack("<iiiq", 0, 2, 5, 0))

        def write(numbers):
            nonlocal count
            count += numbers.numel()
            file.write(numbers.numpy().astype("<f4").tobytes())

        def convolution(x, filters, size, stride, normalized):
            weight = torch.randn(filters, x.shape[1], size, size, generator=draw) / (x.shape[1] * size * size) ** 0.5
            if normalized:
                x = F.conv2d(x, weight, stride=stride, padding=size // 2)
                deviation = x.std((0, 2, 3))
                # Variances of 1: OpenCV and darknet do not add the same epsilon to them.
                mean, ones = x.mean((0, 2, 3)) / deviation, torch.ones(filters)
                for numbers in (torch.zeros(filters), ones, mean, ones, weight / deviation[:, None, None, None]):
                    write(numbers)
                return x / deviation[:, None, None] - mean[:, None, None]
            # Most cells hold nothing, and those that do one thing.
            place = torch.arange(filters) % (5 + CLASSES)
            bias = torch.where(place == 4, -3.5, torch.where(place > 4, -2.0, 0.0))
            write(bias)
            write(weight)
            return F.conv2d(x, weight, bias)

        x = pixels
        for kind, options in layers():
            if kind == "convolutional":
                x = convolution(x, options["filters"], options["size"], options["stride"], options["batch_normalize"])
                x = {"mish": F.mish, "leaky": lambda x: F.leaky_relu(x, 0.1), "linear": lambda x: x}[options["activation"]](x)
            elif kind == "route":
                x = torch.cat([outputs[int(place)] for place in options["layers"].split(",")], 1)
            elif kind == "shortcut":
                x = x + outputs[options["from"]]
            elif kind == "maxpool":
                x = F.max_pool2d(x, options["size"], 1, options["size"] // 2)
            elif kind == "upsample":
                x = F.interpolate(x, scale_factor=2)
            outputs.append(x)
    assert count == PARAMETERS and len(outputs) == 162, (count, len(outputs))
