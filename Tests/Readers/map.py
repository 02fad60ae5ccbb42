"""Evaluates detections with pycocotools. Argument: a folder of cases, each a folder with truth.json and found.json and,
where only some images are meant, images.json. Prints for each case, in the order of their names, the twelve figures and each
category's precision (thresholds x recalls at all areas and 100 detections) as one JSON list."""

import contextlib
import io
import json
import os
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

reports = []
for case in sorted(os.listdir(sys.argv[1])):
    folder = os.path.join(sys.argv[1], case)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(os.path.join(folder, "truth.json"))
        evaluation = COCOeval(truth, truth.loadRes(os.path.join(folder, "found.json")), "bbox")
        if os.path.exists(os.path.join(folder, "images.json")):
            with open(os.path.join(folder, "images.json")) as file:
                evaluation.params.imgIds = json.load(file)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    reports.append(
        {
            "figures": evaluation.stats.tolist(),
            "categories": [precision[:, :, index].tolist() for index in range(precision.shape[2])],
        }
    )
print(json.dumps(reports))
