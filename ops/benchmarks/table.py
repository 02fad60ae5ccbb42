# Scope: the result as a Markdown table and as JSON.
import datetime
import json
import os
import platform
import subprocess


def figure_rows(contenders) -> list[dict]:
    rows = []
    for contender in contenders:
        for figure in contender.figures:
            values = contender.values[figure.key]
            median = contender.median(figure.key)
            holds = None
            if figure.goal is not None:
                holds = median >= figure.goal if figure.more_is_better else median <= figure.goal
            rows.append({
                "row": contender.row, "what": contender.name, "median": median, "unit": figure.unit, "values": values,
                "goal": figure.goal, "moreIsBetter": figure.more_is_better, "holds": holds, "note": contender.note,
                "digits": figure.digits})
    rows.extend(ratios(contenders))
    return sorted(rows, key=lambda row: row["row"])


def ratios(contenders) -> list[dict]:
    """Goals that compare two contenders of one run: reading at least 5 times as fast as json.load."""
    reading = [c for c in contenders if c.row == 1]
    if len(reading) != 2:
        return []
    values = [theirs / ours for ours, theirs in zip(*(c.values["seconds"] for c in reading))]
    ratio = reading[1].median("seconds") / reading[0].median("seconds")
    return [{"row": 1, "what": "json.load's time over `plan`'s", "median": ratio, "unit": "times", "values": values,
             "goal": 5, "moreIsBetter": True, "holds": ratio >= 5, "note": "", "digits": 1}]


def number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def markdown(rows: list[dict], facts: dict) -> str:
    lines = [f"{facts['date']}, {facts['cores']} cores, {facts['system']}, Linux {facts['kernel']}; "
             + ", ".join(f"{name} {version}" for name, version in facts["versions"].items()) + ".",
             f"{facts['rounds']} interleaved rounds, medians. fsync of 4 KiB: "
             f"{number(facts['syncMilliseconds'], 2)} ms. Load average {facts['loadBefore']} before, "
             f"{facts['loadAfter']} after.", "",
             "| row | what | median | least to most | goal | |", "|---|---|---|---|---|---|"]
    for row in rows:
        digits = row["digits"]
        goal = "" if row["goal"] is None else ("≥ " if row["moreIsBetter"] else "≤ ") + number(row["goal"], 0)
        verdict = {None: "", True: "holds", False: "**misses**"}[row["holds"]]
        note = ". ".join(part for part in (verdict, row["note"]) if part)
        lines.append(
            f"| {row['row']} | {row['what']} | {number(row['median'], digits)} {row['unit']} "
            f"| {number(min(row['values']), digits)} to {number(max(row['values']), digits)} | {goal} | {note} |")
    return "\n".join(lines)


def facts(bench, rounds: int, sync: float, load_before: str) -> dict:
    release = platform.freedesktop_os_release()
    return {
        "date": datetime.date.today().isoformat(), "cores": len(os.sched_getaffinity(0)),
        "system": release["PRETTY_NAME"], "kernel": platform.release(), "rounds": rounds, "isQuick": bench.is_quick,
        "syncMilliseconds": sync, "loadBefore": load_before, "loadAfter": load(),
        "versions": {
            "RabbitMQ": bench.management("GET", "overview")["rabbitmq_version"],
            "PostgreSQL": bench.query("SHOW server_version")[0][0].split()[0],
            "Python": platform.python_version(), "Swift": swift_version()}}


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def swift_version() -> str:
    words = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout.split()
    return words[words.index("version") + 1]


def save(path: str, rows: list[dict], facts: dict) -> None:
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w") as file:
        json.dump({"facts": facts, "figures": rows}, file, indent=1)
        file.write("\n")
