# Scope: rows 3 and 4, workers at work: tasks that do nothing, and tasks that take a tenth of a second.
import measure
from measure import BenchError, Contender, Figure

RECORDED = "SELECT count(*) FROM outputs"


def contenders_of_nothing(bench) -> list[Contender]:
    tasks = 2_000 if bench.is_quick else 20_000
    same = ("one image for all: the first is stored, each batch reads it, compares, and syncs its folder; the rest is "
            "the broker's and the catalogue's work")
    found = [drain(bench, tasks, count, 2500 if count == 1 else None, note=same) for count in (1, 2, 4)]
    found.append(drain(bench, tasks, 1, None, "--blank-distinct", note="each image stored and synced"))
    return found


def drain(bench, tasks: int, count: int, goal: float | None, *arguments: str, note: str) -> Contender:
    def measure_once(round_number: int):
        bench.empty()
        sync = measure.sync_milliseconds(bench.data)
        bench.enqueue("drain", tasks, hint_size=16, seed=round_number)
        bench.start_workers(count, "--generator", "blank", "--no-pack", *arguments)
        try:
            bench.await_count(RECORDED, tasks, limit=120)
        finally:
            bench.stop_workers()
        seconds = bench.query(
            "SELECT extract(epoch FROM (SELECT max(recorded_at) FROM outputs) - (SELECT min(started_at) FROM workers))")
        return {"rate": tasks / float(seconds[0][0]), "sync": sync}

    kind = "that are stored" if "--blank-distinct" in arguments else "that do nothing"
    workers = "1 worker" if count == 1 else f"{count} workers"
    return Contender(3, f"{tasks:,} tasks {kind}, batch 16, {workers}",
                     [Figure("rate", "tasks/s", None if bench.is_quick else goal, more_is_better=True, digits=0),
                      Figure("sync", "ms for an fsync just before")],
                     measure_once, note)


def contenders_of_waiting(bench) -> list[Contender]:
    # Start and end take the same time whatever the length: the longer run shows what is lost in between. A shard that is
    # no multiple of the batch ends in a short one, and then the workers do not end together.
    runs = [(3, 500)] if bench.is_quick else [(20, 500), (20, 512), (40, 500)]
    return [waiting(bench, batches, shard_size) for batches, shard_size in runs]


def waiting(bench, batches: int, shard_size: int) -> Contender:
    count, milliseconds = 8, 100
    tasks = count * 16 * batches
    ideal = count * 1000 / milliseconds

    def measure_once(round_number: int):
        bench.empty()
        bench.start_workers(count, "--generator", "blank", "--blank-delay", str(milliseconds), "--blank-distinct")
        try:
            bench.await_count("SELECT count(*) FROM workers", count, limit=30)
            bench.enqueue("overlap", tasks, hint_size=16, seed=round_number, shard_size=shard_size)
            bench.await_count(RECORDED, tasks, limit=60 + 2 * tasks / ideal)
        finally:
            bench.stop_workers()
        hinted, first, last, workers = bench.query(
            "SELECT extract(epoch FROM (SELECT min(hinted_at) FROM shards)), extract(epoch FROM min(recorded_at)),"
            " extract(epoch FROM max(recorded_at)), count(DISTINCT worker_id) FROM outputs")[0]
        if workers != count:
            raise BenchError(f"overlap: expected all {count} workers to record images, found {workers}")
        # The first batch is recorded as soon as it is made: its computing began a batch's time earlier.
        begin = min(float(hinted), float(first) - 16 * milliseconds / 1000)
        return {"share": 100 * tasks / ideal / (float(last) - begin)}

    return Contender(
        4, f"{tasks:,} tasks of {milliseconds} ms in shards of {shard_size}, batch 16, {count} workers",
        [Figure("share", "% of the ideal rate", None if bench.is_quick else 97, more_is_better=True, digits=1)],
        measure_once, f"ideal {ideal:.0f} tasks/s; from the first claim to the last record, packing included")
