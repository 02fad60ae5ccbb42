# Scope: the result as a Markdown table and as JSON.
import datetime
import json
import os
import platform
import statistics
import subprocess

from measure import Figure


def figure_rows(contenders, is_quick: bool) -> list[dict]:
    rows = []
    for contender in contenders:
        for figure in contender.figures:
            values = contender.values.get(figure.key, [])
            note = contender.note if figure is contender.figures[0] else ""
            rows.append(figure_row(contender.row, contender.name, figure, values, note))
        if contender.failures:
            what = f"{contender.name}: failed {len(contender.failures)} times"
            rows.append({"row": contender.row, "what": what, "median": None, "values": [], "goal": None,
                         "holds": False, "note": contender.failures[-1]})
        rows.extend(ratios(contender, is_quick))
    return sorted((row for row in rows if row["values"] or row["holds"] is False), key=lambda row: row["row"])


def figure_row(row: int, what: str, figure, values: list[float], note: str) -> dict:
    median = statistics.median(values) if values else None
    holds = None
    if figure.goal is not None and median is not None:
        holds = median >= figure.goal if figure.more_is_better else median <= figure.goal
    return {"row": row, "what": what, "median": median, "unit": figure.unit, "values": values, "goal": figure.goal,
            "moreIsBetter": figure.more_is_better, "holds": holds, "note": note, "digits": figure.digits}


def ratios(contender, is_quick: bool) -> list[dict]:
    """A contender's goals beside others of the same run."""
    rows = []
    for ratio in contender.ratios:
        pairs = list(zip(contender.values.get(ratio.key, []), ratio.other.values.get(ratio.key, [])))
        if pairs:
            goal = None if is_quick else ratio.goal
            figure = Figure("ratio", "times", goal, more_is_better=True)
            what = f"{ratio.other.name}: its {ratio.key} over those of {contender.name}"
            rows.append(figure_row(contender.row, what, figure, [theirs / ours for ours, theirs in pairs], "round by round"))
    return rows


def number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def markdown(rows: list[dict], facts: dict) -> str:
    lines = [f"{facts['date']}, {facts['cores']} cores, {facts['system']}, Linux {facts['kernel']}; "
             + ", ".join(f"{name} {version}" for name, version in facts["versions"].items()) + ".",
             f"{facts['rounds']} interleaved rounds in {facts['minutes']:.0f} minutes, medians. fsync of 4 KiB: "
             f"{number(facts['syncMilliseconds'] or 0, 2)} ms. Load average {facts['loadBefore']} before, "
             f"{facts['loadAfter']} after.", "",
             "| row | what | median | least to most | goal | verdict | note |",
             "|---|---|---|---|---|---|---|"]
    return "\n".join(lines + [line(row) for row in rows])


def line(row: dict) -> str:
    if row["median"] is None:
        return f"| {row['row']} | {row['what']} | | | | **failed** | {row['note'].replace('|', '/')} |"
    digits, values = row["digits"], row["values"]
    goal = ""
    if row["goal"] is not None:
        whole = row["goal"] == round(row["goal"])
        goal = ("≥ " if row["moreIsBetter"] else "≤ ") + number(row["goal"], 0 if whole else 2)
    verdict = {None: "", True: "holds", False: "**misses**"}[row["holds"]]
    return (f"| {row['row']} | {row['what']} | {number(row['median'], digits)} {row['unit']} "
            f"| {number(min(values), digits)} to {number(max(values), digits)} | {goal} | {verdict} | {row['note']} |")


def facts(bench) -> dict:
    """What does not change during a run."""
    release = platform.freedesktop_os_release()
    return {
        "date": datetime.date.today().isoformat(), "cores": len(os.sched_getaffinity(0)),
        "system": release["PRETTY_NAME"], "kernel": platform.release(), "isQuick": bench.is_quick, "loadBefore": load(),
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
