# Scope: row 7, a producer that is killed half-way through publishing, and run again.
from measure import Contender, Figure

KILLED = (-9,)


def contenders(bench) -> list[Contender]:
    # Rounds of four shards of 500 hints are published and marked together; half of them are marked when it dies.
    tasks = 8_000 if bench.is_quick else 47_429
    rounds = (tasks + 1999) // 2000
    annotations = None if bench.is_quick else bench.large_example()
    kills = {
        "between the last confirm of a round and its mark": f"producer.before-mark=kill@{rounds // 2}",
        "while publishing": f"broker.after-publish=kill@{tasks // 2}",
    }
    figures = [Figure("seconds", "s to resume, reading left out"),
               Figure("again", "messages sent again", goal=2_000, digits=0)]

    def contender(where: str, failpoint: str) -> Contender:
        def measure_once(round_number: int):
            bench.empty()
            bench.enqueue("resume", tasks, 1, round_number, KILLED, annotations, DETDIFFUSION_FAILPOINTS=failpoint)
            result = bench.enqueue("resume", tasks, 1, round_number, annotations=annotations)
            waiting = bench.messages("detdiffusion.v1.generate.blank")
            return {"seconds": result["secondsRecording"] + result["secondsPublishing"], "again": waiting - tasks}

        return Contender(7, f"{tasks:,} tasks, producer killed at half, {where}", figures, measure_once,
                         "a doubled hint claims nothing; at most one round can be sent again")

    return [contender(where, failpoint) for where, failpoint in kills.items()]
