# Scope: row 14, whole detectors of full size with random weights beside OpenCV and torchvision.
import json
import os

import measure
from measure import Contender, Figure, Ratio

# A detector, its judge, and the size of what the network sees.
DETECTORS = [("yolov4", "YOLOv4 608x608", "OpenCV's dnn"), ("faster-rcnn", "Faster R-CNN R50-FPN 800x456", "torchvision"),
             ("fcos", "FCOS R50-FPN 800x456", "torchvision")]
TIMES_AS_FAST = 1.5


def contenders(bench) -> list[Contender]:
    """From a decoded picture of 800x456 pixels to its boxes: scaling, network, suppression."""
    folder = os.path.join(bench.data, "detectors")
    if not os.path.exists(folder):
        measure.run([bench.detector_python, script("make_detectors.py"), folder + ".new"], bench.environment)
        os.rename(folder + ".new", folder)
    runs = "1" if bench.is_quick else "5"
    found = []
    for name, title, judge in DETECTORS:
        ours = contender(f"{title}", [os.path.join(bench.commands, "engine-bench"), "detect", name, folder, "--runs", runs], bench)
        peer = contender(f"{title}, {judge}",
                         [bench.detector_python, script("detector_peers.py"), name, folder, "--runs", runs], bench)
        ours.ratios = [Ratio("seconds", peer, TIMES_AS_FAST), Ratio("memory", peer, None)]
        found += [ours, peer]
    return found


def contender(name: str, command: list[str], bench) -> Contender:
    def run(_):
        result = json.loads(measure.run(command, bench.environment).output.splitlines()[-1])
        return {"seconds": result["seconds"], "memory": result["peakMegabytes"], "boxes": result["boxes"]}

    return Contender(14, name, [Figure("seconds", "s", digits=3), Figure("memory", "MB", digits=0),
                                Figure("boxes", "boxes", digits=0)], run)


def script(name: str) -> str:
    return os.path.join(os.path.dirname(__file__), name)
