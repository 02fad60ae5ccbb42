# Scope: writes detectors of full size with random weights into a folder, and a picture for them.
#
#     python make_detectors.py FOLDER
#
# Weights are drawn and normalizations set by the picture, so that numbers keep their size through the layers and boxes come out.
import pathlib
import sys

import cv2
import numpy
import torch
import torch.nn.functional as F
from torchvision.models import detection

import yolov4

WIDTH, HEIGHT, SEED = 800, 456, 1
# A layer's name, and what its weight is multiplied with and its bias grows by.
HEADS = [("rpn.head.cls_logits", 8, 0), ("rpn.head.bbox_pred", 3, 0), ("box_predictor.cls_score", 2, 0),
         ("classification_head.cls_logits", 4, 0), ("regression_head.bbox_reg", 4, 3)]


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True)
    torch.manual_seed(SEED)
    picture = draw_picture()
    cv2.imwrite(str(folder / "picture.png"), picture[:, :, ::-1])
    pixels = torch.from_numpy(picture).permute(2, 0, 1).float() / 255
    (folder / "yolov4.cfg").write_text(yolov4.text())
    side = yolov4.SIDE
    yolov4.write_weights(folder / "yolov4.weights", F.interpolate(pixels[None], (side, side), mode="bilinear"), SEED)
    for name, model in torchvision_models().items():
        normalize(model, pixels)
        torch.save(model.state_dict(), folder / f"{name}.pth")


def draw_picture():
    """Colored rectangles and noise, [HEIGHT, WIDTH, 3]."""
    draw = numpy.random.default_rng(SEED)
    picture = cv2.resize(draw.integers(0, 256, (HEIGHT // 24, WIDTH // 25, 3)).astype(numpy.uint8), (WIDTH, HEIGHT),
                         interpolation=cv2.INTER_CUBIC)
    for _ in range(40):
        x, y, width, height = draw.integers(0, [WIDTH, HEIGHT, WIDTH // 3, HEIGHT // 3])
        picture[y:y + height, x:x + width] = draw.integers(0, 256, 3)
    noise = draw.integers(-4, 5, picture.shape)
    return (picture.astype(int) + noise).clip(0, 255).astype(numpy.uint8)


def torchvision_models():
    """Networks without weights; detector_peers.py makes the same ones."""
    size = {"weights": None, "weights_backbone": None, "min_size": HEIGHT, "max_size": WIDTH}
    return {"faster-rcnn": detection.fasterrcnn_resnet50_fpn(**size), "fcos": detection.fcos_resnet50_fpn(**size)}


def normalize(model, pixels):
    """Statistics of this picture in the backbone, and heads that find something."""
    model.eval()
    layers = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for layer in layers:
        layer.momentum = None  # the mean of all that was seen
        layer.train()
    with torch.no_grad():
        model([pixels])
        for name, factor, bias in HEADS:
            for end, parameter in model.named_parameters():
                if end.endswith(name + ".weight"):
                    parameter *= factor
                if end.endswith(name + ".bias"):
                    parameter += bias


if __name__ == "__main__":
    main()
