# Scope: times OpenCV's and torchvision's detectors on a picture, and prints one JSON object.
#
#     python detector_peers.py yolov4|faster-rcnn|fcos FOLDER [--runs N]
#
# FOLDER is what make_detectors.py wrote. A call goes from the decoded picture to its boxes; decoding is not part of it. float32,
# one thread a core.
import argparse
import json
import os
import pathlib
import resource
import statistics
import time

import cv2
import numpy


def with_opencv(folder, threads):
    """YOLOv4 by OpenCV's dnn, with darknet's thresholds."""
    import yolov4

    cv2.setNumThreads(threads)
    network = cv2.dnn.readNetFromDarknet(str(folder / "yolov4.cfg"), str(folder / "yolov4.weights"))
    names = network.getUnconnectedOutLayersNames()
    picture = cv2.imread(str(folder / "picture.png"))
    height, width = picture.shape[:2]

    def run():
        network.setInput(cv2.dnn.blobFromImage(picture, 1 / 255, (yolov4.SIDE, yolov4.SIDE), swapRB=True))
        rows = numpy.concatenate(network.forward(names))
        # Scores are multiplied with the objectness already, and are 0 where that is below its threshold.
        places, labels = numpy.nonzero(rows[:, 5:] > 0.25)
        boxes = rows[places, :4] * [width, height, width, height]
        boxes[:, :2] -= boxes[:, 2:] / 2
        scores = rows[places, 5 + labels]
        return cv2.dnn.NMSBoxesBatched(boxes.tolist(), scores.tolist(), labels.tolist(), 0.25, 0.45)

    return run


def with_torchvision(name, folder, threads):
    import torch

    from make_detectors import torchvision_models

    torch.set_num_threads(threads)
    model = torchvision_models()[name]
    model.load_state_dict(torch.load(folder / f"{name}.pth", weights_only=True))
    model.eval()
    picture = cv2.imread(str(folder / "picture.png"))[:, :, ::-1].copy()

    def run():
        with torch.inference_mode():
            return model([torch.from_numpy(picture).permute(2, 0, 1).float() / 255])[0]["boxes"]

    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=["yolov4", "faster-rcnn", "fcos"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    run = (with_opencv(options.folder, threads) if options.name == "yolov4"
           else with_torchvision(options.name, options.folder, threads))
    boxes = len(run())
    seconds = []
    for _ in range(options.runs):
        begin = time.monotonic()
        run()
        seconds.append(time.monotonic() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": statistics.median(seconds), "all": seconds, "boxes": boxes, "peakMegabytes": round(peak)}))


if __name__ == "__main__":
    main()
