"""Writes darknet.cfg, darknet.weights and darknet.json beside this script: a small network with every layer that YOLOv4
has, random weights (the seed below), and what OpenCV's dnn computes with them.

Needs requirements.txt. The weights are scaled so that boxes come out; numbers are float32."""
import json
import pathlib
import struct

import cv2
import numpy

import versions

versions.check(("numpy", "opencv-python-headless"))
FOLDER = pathlib.Path(__file__).parent
WIDTH, HEIGHT, CLASSES = 96, 64, 3
SEED = 1
draw = numpy.random.default_rng(SEED)

CONV = "[convolutional]\nbatch_normalize={bn}\nfilters={filters}\nsize={size}\nstride={stride}\npad=1\nactivation={activation}\n"
HEAD = """[yolo]
mask = {mask}
anchors = 8, 10, 14, 18, 24, 16, 30, 40, 52, 36, 80, 58
classes={classes}
num=6
jitter=.3
ignore_thresh = .7
truth_thresh = 1
scale_x_y = {scale}
iou_thresh=0.213
nms_kind={kind}
beta_nms=0.6
"""
shape = []  # (inputs, outputs, kernel, normalized) of each convolution, in order
text = f"# Small, and with every layer of YOLOv4.\n[net]\nbatch=64\nwidth={WIDTH}\nheight={HEIGHT}\nchannels=3\nmomentum=0.949\n\n"
outputs = []  # channels of each layer


def conv(filters, size=3, stride=1, activation="mish", bn=1):
    global text
    text += CONV.format(bn=bn, filters=filters, size=size, stride=stride, activation=activation) + "\n"
    shape.append((outputs[-1] if outputs else 3, filters, size, bn))
    outputs.append(filters)


def layer(lines, channels):
    global text
    text += lines + "\n\n"
    outputs.append(channels)


conv(8)                                                              # 0
conv(16, stride=2)                                                   # 1   32 x 48
conv(8, size=1)                                                      # 2
layer("[route]\nlayers = -2", 16)                                    # 3
conv(8, size=1)                                                      # 4
conv(8, size=1)                                                      # 5
conv(8)                                                              # 6
layer("[shortcut]\nfrom=-3\nactivation=linear", 8)                   # 7
layer("[route]\nlayers = -1,-6", 16)                                 # 8
conv(16, size=1)                                                     # 9
layer("[route]\nlayers=-1\ngroups=2\ngroup_id=1", 8)                 # 10
conv(24, activation="leaky")                                         # 11
layer("[maxpool]\nsize=2\nstride=2", 24)                             # 12  16 x 24
conv(32, stride=2, activation="leaky")                               # 13  8 x 12
layer("[maxpool]\nstride=1\nsize=5", 32)                             # 14
layer("[route]\nlayers=-2", 32)                                      # 15
layer("[maxpool]\nstride=1\nsize=9", 32)                             # 16
layer("[route]\nlayers=-4", 32)                                      # 17
layer("[maxpool]\nstride=1\nsize=13", 32)                            # 18
layer("[route]\nlayers=-1,-3,-5,-6", 128)                            # 19
conv(32, size=1, activation="leaky")                                 # 20
conv(3 * (5 + CLASSES), size=1, activation="linear", bn=0)           # 21
layer(HEAD.format(mask="3,4,5", classes=CLASSES, scale=1.05, kind="greedynms"), 3 * (5 + CLASSES))  # 22
layer("[route]\nlayers = -3", 32)                                    # 23
conv(16, size=1, activation="leaky")                                 # 24
layer("[upsample]\nstride=2", 16)                                    # 25
layer("[route]\nlayers = -1, 12", 40)                                # 26
conv(24, activation="leaky")                                         # 27
conv(3 * (5 + CLASSES), size=1, activation="linear", bn=0)           # 28
layer(HEAD.format(mask="0,1,2", classes=CLASSES, scale=1.2, kind="greedynms"), 3 * (5 + CLASSES))   # 29
(FOLDER / "darknet.cfg").write_text(text)

with open(FOLDER / "darknet.weights", "wb") as file:
    file.write(struct.pack("<iiiq", 0, 2, 5, 32013312))
    for inputs, filters, size, bn in shape:
        is_head = not bn
        bias = draw.normal(0, 0.1, filters)
        if is_head:  # most cells hold nothing
            bias[numpy.arange(filters) % (5 + CLASSES) >= 4] -= 1.6
        file.write(bias.astype("<f4").tobytes())
        if bn:
            file.write(draw.uniform(0.8, 1.2, filters).astype("<f4").tobytes())
            file.write(draw.normal(0, 0.2, filters).astype("<f4").tobytes())
            file.write(draw.uniform(0.5, 1.5, filters).astype("<f4").tobytes())
        spread = (2.0 if is_head else 1.4) / numpy.sqrt(inputs * size * size)
        weights = draw.normal(0, spread, (filters, inputs, size, size))
        if is_head:  # sizes near the anchors'
            rows = numpy.arange(filters) % (5 + CLASSES)
            weights[(rows == 2) | (rows == 3)] *= 0.3
        file.write(weights.astype("<f4").tobytes())

image = draw.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3)).astype(numpy.uint8)
image = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
network = cv2.dnn.readNetFromDarknet(str(FOLDER / "darknet.cfg"), str(FOLDER / "darknet.weights"))
network.setInput(cv2.dnn.blobFromImage(image, 1 / 255, (WIDTH, HEIGHT), swapRB=False))
names = network.getLayerNames()
heads = [name for name in names if name.startswith("yolo")]
raw = [f"conv_{int(name.split('_')[1]) - 1}" for name in heads]
wanted = network.forward(raw + heads)
boxes = numpy.concatenate([head.reshape(-1, 5 + CLASSES) for head in wanted[2:]])
threshold, overlap = 0.25, 0.45
rects, scores, labels = [], [], []
for x, y, width, height, objectness, *classes in boxes.astype(float):
    for label, score in enumerate(classes):
        if objectness > threshold and score > threshold:
            rects.append([(x - width / 2) * WIDTH, (y - height / 2) * HEIGHT, width * WIDTH, height * HEIGHT])
            scores.append(score)
            labels.append(label)
kept = cv2.dnn.NMSBoxesBatched(rects, scores, labels, threshold, overlap)
close = sorted(scores)
gap = min(b - a for a, b in zip(close, close[1:]))
assert len(kept) > 20 and len(rects) > len(kept) + 20 and gap > 1e-6, (len(rects), len(kept), gap)


def short(array):
    return [float(f"{value:.8g}") for value in numpy.asarray(array).reshape(-1)]


(FOLDER / "darknet.json").write_text(json.dumps({
    "versions": {"opencv": cv2.__version__, "numpy": numpy.__version__}, "seed": SEED,
    "width": WIDTH, "height": HEIGHT, "pixels": image.reshape(-1).tolist(),
    # [batch, channels, rows, columns] of what stands before each head.
    "heads": [{"shape": list(head.shape), "values": short(head)} for head in wanted[:2]],
    "candidates": [{"box": short(r), "score": s, "label": l} for r, s, l in zip(rects, scores, labels)],
    "kept": [int(index) for index in kept], "overlap": overlap, "threshold": threshold, "gap": gap,
}) + "\n")
print(len(rects), "candidates,", len(kept), "kept, least gap of scores", gap)
