# Scope: row 2, enqueueing a job, beside publishing as many messages with the usual Python clients.
import json
import os
import sys

import measure
from measure import Contender, Figure

PEERS = {  # name: messages of a full run; what is slow publishes fewer and is scaled
    "pika-blocking": 2_000,
    "pika-async": 47_429,
    "aio-pika": 10_000,
    "celery": 2_000,
    "dramatiq": 2_000,
}


def contenders(bench) -> list[Contender]:
    tasks = 4_000 if bench.is_quick else 47_429
    annotations = bench.example(5_000) if bench.is_quick else bench.large_example()
    every = [ours(bench, annotations, tasks, hint_size, goal) for hint_size, goal in ((1, 5), (16, 2))]
    return every + [peer(bench, name, count, tasks) for name, count in PEERS.items()]


def ours(bench, annotations: str, tasks: int, hint_size: int, goal: float) -> Contender:
    def measure_once(round_number: int):
        bench.empty()
        result = bench.enqueue(f"enqueue-{hint_size}", tasks, hint_size, round_number, annotations=annotations)
        if result["tasksAdded"] != tasks:
            raise measure.BenchError(f"enqueue: expected {tasks} new tasks, found {result['tasksAdded']}")
        recording, publishing = result["secondsRecording"], result["secondsPublishing"]
        return {"seconds": recording + publishing, "recording": recording, "publishing": publishing}

    hints = "a hint per image" if hint_size == 1 else f"hints of {hint_size}"
    return Contender(
        2, f"`enqueue` {tasks:,} tasks, {hints}",
        [Figure("seconds", "s", goal=None if bench.is_quick else goal), Figure("recording", "s in COPY and COMMIT"),
         Figure("publishing", "s publishing")],
        measure_once, "records every task in the catalogue, in one transaction, and marks what was confirmed")


def peer(bench, name: str, count: int, tasks: int) -> Contender:
    count = min(count, 400) if bench.is_quick else count
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers.py")

    def measure_once(_):
        result = measure.run([sys.executable, script, name, str(count)], bench.environment, limit=180)
        return {"seconds": json.loads(result.output)["seconds"] * tasks / count}

    scaled = f"; measured with {count:,} and scaled" if count != tasks else ""
    return Contender(
        2, f"{name}: {tasks:,} messages", [Figure("seconds", "s")], measure_once,
        f"1.5 KB, persistent, confirmed, quorum queue; records nothing in a database{scaled}")
