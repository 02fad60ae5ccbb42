# Scope: row 12, COCO's figures of a detector's results on a set of val2017's size.
import json
import os
import sys

import measure
from measure import Contender, Figure, Ratio

# Whole programs, files read and all: what a person waits for.
PYCOCOTOOLS = """
import contextlib, io, sys
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(sys.argv[1])
    evaluation = COCOeval(truth, truth.loadRes(sys.argv[2]), "bbox")
    evaluation.evaluate(); evaluation.accumulate(); evaluation.summarize()
print(evaluation.stats[0])
"""
FASTER = """
import contextlib, io, sys
from faster_coco_eval import COCO, COCOeval_faster
with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(sys.argv[1])
    evaluation = COCOeval_faster(truth, truth.loadRes(sys.argv[2]), "bbox")
    evaluation.evaluate(); evaluation.accumulate(); evaluation.summarize()
print(evaluation.stats[0])
"""


def contenders(bench) -> list[Contender]:
    images = 500 if bench.is_quick else 5_000
    folder = os.path.join(bench.data, f"detections-{images}")
    if not os.path.exists(folder):
        script = os.path.join(os.path.dirname(__file__), "make_detections.py")
        measure.run([sys.executable, script, folder + ".new", str(images)], bench.environment)
        os.rename(folder + ".new", folder)
    files = [os.path.join(folder, name) for name in ("truth.json", "found.json")]
    precision = {}

    def agree(name: str, value: float) -> None:
        precision[name] = value
        if max(precision.values()) - min(precision.values()) > 1e-9:
            raise measure.BenchError(f"AP: expected one figure, found {precision}")

    def ours(_):
        result = bench.run("evaluate", "map", "--ground-truth", files[0], "--detections", files[1], "--json")
        agree("ours", json.loads(result.output)["AP"])
        return {"seconds": result.seconds, "memory": result.megabytes}

    def theirs(name: str, program: str):
        def run(_):
            result = measure.run([sys.executable, "-c", program, *files], bench.environment)
            agree(name, float(result.output))
            return {"seconds": result.seconds, "memory": result.megabytes}
        return run

    figures = [Figure("seconds", "s"), Figure("memory", "MB", digits=0)]
    case = f"{images:,} images, {92 * images:,} detections and more"
    mine = Contender(12, f"`map`: {case}", figures, ours, "reads both files, too, like the others")
    slow = Contender(12, "pycocotools", figures, theirs("pycocotools", PYCOCOTOOLS))
    fast = Contender(12, "faster-coco-eval", figures, theirs("faster-coco-eval", FASTER))
    mine.ratios = [Ratio("seconds", slow, 5), Ratio("seconds", fast, 1)]
    return [mine, slow, fast]
