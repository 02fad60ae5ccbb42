# Scope: what a measurement is, and running a program while its time and memory are counted.
import dataclasses
import os
import statistics
import subprocess
import tempfile
import time
from typing import Callable


class BenchError(Exception):
    """One line that says what was run, what was expected and what was found."""


@dataclasses.dataclass
class Figure:
    """One number of a contender; a goal is a bound, an upper one unless `more_is_better`."""

    key: str
    unit: str
    goal: float | None = None
    more_is_better: bool = False
    digits: int = 2


@dataclasses.dataclass
class Ratio:
    """How many times as much the other's figure is, round by round: times as fast, or as little memory."""

    key: str
    other: "Contender"
    goal: float | None


@dataclasses.dataclass
class Contender:
    """Something that is measured once a round."""

    row: int
    name: str
    figures: list[Figure]
    measure: Callable[[int], dict[str, float]]  # round, from 0 -> a number per figure
    note: str = ""
    ratios: list[Ratio] = dataclasses.field(default_factory=list)
    values: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    failures: list[str] = dataclasses.field(default_factory=list)  # a line for each round that failed

    def run(self, round_number: int) -> None:
        result = self.measure(round_number)
        numbers = {figure.key: float(result[figure.key]) for figure in self.figures}
        for key, value in numbers.items():
            self.values.setdefault(key, []).append(value)

    def median(self, key: str) -> float:
        return statistics.median(self.values[key])


@dataclasses.dataclass
class Finished:
    """A program that ended well."""

    output: str
    seconds: float
    megabytes: float  # peak resident set


def run(command: list[str], environment: dict[str, str], limit: float = 600, expect: tuple[int, ...] = (0,)) -> Finished:
    """Runs a program to its end, killing it at the limit; `expect` holds the exit codes that are no failure."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        usage = wait(process, begin + limit)
        seconds = time.monotonic() - begin
        output.seek(0)
        errors.seek(0)
        if process.returncode not in expect:
            last = (errors.read().strip().splitlines() or ["no message"])[-1]
            raise BenchError(f"{' '.join(command[:3])} …: expected exit {expect}, found {process.returncode}: {last}")
        return Finished(output.read(), seconds, usage.ru_maxrss / 1024)


def wait(process: subprocess.Popen, deadline: float):
    """Waits as `Popen.wait` does, and returns what the kernel counted for the process."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.005)


def sync_milliseconds(folder: str, count: int = 50) -> float:
    """The median time of fsync after appending 4 KiB to a file in `folder`."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(count):
            file.write(b"\0" * 4096)
            begin = time.monotonic()
            os.fsync(file.fileno())
            times.append((time.monotonic() - begin) * 1000)
    return statistics.median(times)
