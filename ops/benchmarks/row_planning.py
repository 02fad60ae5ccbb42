# Scope: row 13, planning a job that evens out a set of train2017's size, reading and all.
from measure import Contender, Figure

# The layouts of the paper's subset of train2017.
IMAGES = 47_429


def contenders(bench) -> list[Contender]:
    path = bench.large_example()
    limit = 4_000 if bench.is_quick else IMAGES

    def plan(*arguments: str):
        def run(_):
            result = bench.run("producer", "plan", "--annotations", path, "--strategy", "hard", "--json", *arguments)
            return {"seconds": result.seconds, "memory": result.megabytes}
        return run

    def contender(dimension: str) -> Contender:
        figures = [Figure("seconds", "s", goal=10), Figure("memory", "MB", digits=0)]
        return Contender(13, f"`plan --rebalance {dimension} --limit {limit:,}`", figures,
                         plan("--rebalance", dimension, "--limit", str(limit)), "the file of row 1, read, too")

    alone = Contender(13, "`plan` without it", [Figure("seconds", "s"), Figure("memory", "MB", digits=0)], plan())
    return [alone] + [contender(name) for name in ("frequency", "size", "size-per-category", "position")]
