# Scope: the driver of ops/bench: chooses rows, runs every contender once a round, and prints the table.
import argparse
import signal
import statistics
import sys
import time

import psycopg

import measure
import row_detectors
import row_drain
import row_engine
import row_enqueue
import row_evaluation
import row_packing
import row_planning
import row_queries
import row_reading
import row_resume
import table
from surroundings import Surroundings

ROWS = {
    1: row_reading.contenders,
    2: row_enqueue.contenders,
    3: row_drain.contenders_of_nothing,
    4: row_drain.contenders_of_waiting,
    5: row_queries.contenders,
    6: row_packing.contenders,
    7: row_resume.contenders,
    8: row_engine.parts,
    9: row_engine.images,
    10: row_engine.small,
    11: row_engine.kinds,
    12: row_evaluation.contenders,
    13: row_planning.contenders,
    14: row_detectors.contenders,
}
# Need networks of full size and other Python packages: ops/bench --engine.
ENGINE_ROWS = (8, 9, 10, 11, 14)

FAILURES = (measure.BenchError, OSError, psycopg.Error, LookupError, TypeError, ValueError)


def main() -> int:
    options = parse()
    # A shell starts background processes with interrupts ignored, and this is one of ops/bench.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    run = Run(options)
    try:
        run.prepare()
        run.go_round()
        run.bench.empty()
    except KeyboardInterrupt:
        print("bench: stopped; what was measured so far:", file=sys.stderr)
    finally:
        run.bench.stop_workers()
        run.report()
    return 1 if run.has_failures() else 0


class Run:
    """Every contender once a round. What fails is noted and costs the others nothing."""

    def __init__(self, options):
        self.options = options
        self.begin = time.monotonic()
        self.bench = Surroundings(options.root, options.quick)
        self.facts = table.facts(self.bench)
        self.contenders: list[measure.Contender] = []
        self.syncs: list[float] = []
        self.rounds = 0

    def prepare(self) -> None:
        for row in self.options.row or [row for row in ROWS if row not in ENGINE_ROWS]:
            try:
                self.contenders += ROWS[row](self.bench)
            except FAILURES as error:
                failed = measure.Contender(row, f"everything of row {row}", [], lambda _: {})
                self.note_failure(failed, error)
                self.contenders.append(failed)

    def go_round(self) -> None:
        """Ends early when another round as long as the longest so far would not fit into the time."""
        longest = 0.0
        for number in range(self.options.rounds):
            if self.rounds > 0 and self.minutes() + longest > self.options.minutes:
                print(f"bench: {self.minutes():.0f} minutes are over; {self.rounds} rounds it is", file=sys.stderr)
                return
            begin = self.minutes()
            self.syncs.append(measure.sync_milliseconds(self.bench.data))
            for contender in self.contenders:
                # What failed twice would fail again.
                if contender.figures and len(contender.failures) < 2:
                    self.run_once(contender, number)
            self.rounds += 1
            longest = max(longest, self.minutes() - begin)

    def run_once(self, contender: measure.Contender, number: int) -> None:
        begin = time.monotonic()
        try:
            contender.run(number)
        except FAILURES as error:
            self.note_failure(contender, error)
        else:
            self.progress(contender, number, time.monotonic() - begin)
        self.save()

    def note_failure(self, contender: measure.Contender, error: Exception) -> None:
        contender.failures.append(" ".join(f"{type(error).__name__}: {error}".split())[:300])
        print(f"bench: row {contender.row}, {contender.name} failed: {contender.failures[-1]}",
              file=sys.stderr, flush=True)

    def progress(self, contender: measure.Contender, number: int, seconds: float) -> None:
        values = ", ".join(
            f"{table.number(contender.values[figure.key][-1], figure.digits)} {figure.unit}"
            for figure in contender.figures)
        print(f"bench: round {number + 1}/{self.options.rounds}, row {contender.row}, {contender.name}: {values} "
              f"({seconds:.0f} s)", file=sys.stderr, flush=True)

    def minutes(self) -> float:
        return (time.monotonic() - self.begin) / 60

    def has_failures(self) -> bool:
        return any(contender.failures for contender in self.contenders)

    def save(self) -> tuple[list[dict], dict]:
        """Writes what there is so far, so that nothing is lost when the run is."""
        facts = self.facts | {
            "rounds": self.rounds, "minutes": round(self.minutes(), 1), "loadAfter": table.load(),
            "syncMilliseconds": statistics.median(self.syncs) if self.syncs else None}
        rows = table.figure_rows(self.contenders, self.options.quick)
        table.save(self.options.json, rows, facts)
        return rows, facts

    def report(self) -> None:
        print(table.markdown(*self.save()))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ops/bench")
    parser.add_argument("--root", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--row", type=int, action="append", choices=ROWS)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--minutes", type=float, default=24)
    parser.add_argument("--engine", action="store_const", const=list(ENGINE_ROWS), dest="row")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (measure.BenchError, OSError) as error:
        sys.exit(f"bench: {error}")
