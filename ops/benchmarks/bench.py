# Scope: the driver of ops/bench: chooses rows, runs every contender once a round, and prints the table.
import argparse
import statistics
import sys
import time

import measure
import row_drain
import row_enqueue
import row_packing
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
}


def main() -> None:
    options = parse()
    load_before = table.load()
    bench = Surroundings(options.root, options.quick)
    contenders = [contender for row in options.row or ROWS for contender in ROWS[row](bench)]
    syncs = []
    try:
        for round_number in range(options.rounds):
            syncs.append(measure.sync_milliseconds(bench.data))
            for contender in contenders:
                begin = time.monotonic()
                contender.run(round_number)
                progress(options, round_number, contender, time.monotonic() - begin)
        bench.empty()
    finally:
        bench.stop_workers()
    rows = table.figure_rows(contenders)
    facts = table.facts(bench, options.rounds, statistics.median(syncs), load_before)
    table.save(options.json, rows, facts)
    print(table.markdown(rows, facts))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ops/bench")
    parser.add_argument("--root", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--row", type=int, action="append", choices=ROWS)
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    return options


def progress(options, round_number: int, contender: measure.Contender, seconds: float) -> None:
    values = ", ".join(
        f"{table.number(contender.values[figure.key][-1], figure.digits)} {figure.unit}" for figure in contender.figures)
    print(f"bench: round {round_number + 1}/{options.rounds}, row {contender.row}, {contender.name}: {values} "
          f"({seconds:.0f} s)", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except (measure.BenchError, OSError) as error:
        sys.exit(f"bench: {error}")
