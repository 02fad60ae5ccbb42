# Scope: row 1, reading an annotation file of train2017's size.
import os
import sys

import measure
from measure import Contender, Figure, Ratio

LOAD = "import json, sys; json.load(open(sys.argv[1]))"


def contenders(bench) -> list[Contender]:
    path = bench.large_example()
    size = f"{os.path.getsize(path) / 1e6:.0f} MB"

    def plan(_):
        result = bench.run("producer", "plan", "--annotations", path, "--strategy", "hard", "--json")
        return {"seconds": result.seconds, "memory": result.megabytes}

    def load(_):
        result = measure.run([sys.executable, "-c", LOAD, path], bench.environment)
        return {"seconds": result.seconds, "memory": result.megabytes}

    ours, theirs = [
        Contender(1, f"`plan`: read, select, label, hash {size}",
                  [Figure("seconds", "s"), Figure("memory", "MB", goal=600, digits=0)], plan),
        Contender(1, f"Python {sys.version_info.major}.{sys.version_info.minor} json.load of the same file",
                  [Figure("seconds", "s"), Figure("memory", "MB", digits=0)], load, "reads, and does nothing else"),
    ]
    ours.ratios = [Ratio("seconds", theirs, 5)]
    return [ours, theirs]
