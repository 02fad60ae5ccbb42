# Scope: row 5, reading a catalogue of ten million tasks.
import json
import urllib.parse

import measure
from measure import Contender, Figure

SCHEMA = "bench_queries"
COUNTED = "bench-00"  # the job whose tasks all exist with their payloads

# Nine jobs that are finished but for their last shards, and one that is half done with some dead tasks.
FILL = """
INSERT INTO jobs (name, kind, capability, lane, strategy, specification, specification_sha256, hint_size)
SELECT 'bench-' || lpad(j::text, 2, '0'), 'generate', 'blank', 'normal', 'hard', '{{}}',
       sha256(j::text::bytea), 16 FROM generate_series(0, {jobs} - 1) j;
INSERT INTO shards (job_id, number, first_task, tasks, state, done, dead, hinted_at, tar, tar_sha256, tar_bytes, samples,
                    finished_at)
SELECT j.id, s, s * 500, 500, (CASE WHEN done THEN 'finished' ELSE 'open' END)::shard_state,
       CASE WHEN done THEN 500 ELSE 0 END, CASE WHEN NOT done AND s % 100 = 99 THEN 1 ELSE 0 END, now(),
       CASE WHEN done THEN 'shards/' || j.name || '/' || s || '.tar' END, CASE WHEN done THEN sha256(s::text::bytea) END,
       CASE WHEN done THEN 50000000 END, CASE WHEN done THEN 500 END, CASE WHEN done THEN now() END
FROM jobs j, generate_series(0, {shards} - 1) s,
     LATERAL (SELECT s < CASE WHEN j.name = '{counted}' THEN {shards} / 2 ELSE {shards} - 10 END AS done) state
ORDER BY j.id, s;
INSERT INTO tasks (shard_id, kind, number, state, epoch)
SELECT s.id, 'generate', n, (CASE WHEN s.done > 0 THEN 'done' WHEN s.dead > 0 AND n = 7 THEN 'dead' ELSE 'open' END)::task_state,
       1 FROM shards s, generate_series(0, 499) n ORDER BY s.id, n;
INSERT INTO payloads (shard_id, number, image_id, sample, payload)
SELECT s.id, n, s.id * 500 + n, 0, convert_to(repeat('x', 200), 'UTF8')
FROM shards s, generate_series(0, 499) n WHERE s.job_id = (SELECT id FROM jobs WHERE name = '{counted}') ORDER BY s.id, n;
"""
FINISHED = f"SELECT * FROM finished_shards WHERE job = '{COUNTED}' ORDER BY shard LIMIT 100"


def contenders(bench) -> list[Contender]:
    jobs, shards = (4, 100) if bench.is_quick else (10, 2_000)
    url = bench.database_url + "?options=" + urllib.parse.quote(f"-csearch_path={SCHEMA}")
    fill(bench, url, jobs, shards)
    size, job = f"of {jobs * shards * 500:,} tasks", f"of a job with {shards * 500:,} tasks"

    def command(what: str, goal: float | None, *arguments: str, expect=(0,), note: str = "") -> Contender:
        def measure_once(_):
            result = bench.run("catalogue", *arguments, expect=expect, DATABASE_URL=url)
            return {"milliseconds": result.seconds * 1000}

        return Contender(5, what, [Figure("milliseconds", "ms", goal, digits=0)], measure_once, note)

    def explain(_):
        plan = bench.query("EXPLAIN (ANALYZE, FORMAT JSON) " + FINISHED, url)[0][0]
        plan = json.loads(plan) if isinstance(plan, str) else plan
        return {"milliseconds": plan[0]["Planning Time"] + plan[0]["Execution Time"]}

    chosen = ("--job", COUNTED)
    return [
        Contender(5, f"first 100 finished shards {size}, in the database", [Figure("milliseconds", "ms", 10)], explain,
                  "EXPLAIN ANALYZE of the view `finished_shards`, planning included"),
        command("the same, `shards --state finished --limit 100`", 150, "shards", *chosen, "--state", "finished",
                "--limit", "100"),
        command(f"`shards --state finished --limit 100` of all jobs {size}", 150, "shards", "--state", "finished",
                "--limit", "100"),
        command(f"`jobs` {size}", None, "jobs"),
        command(f"`shards` {job}", None, "shards", *chosen),
        command(f"`tasks --state dead` {job}", None, "tasks", *chosen, "--state", "dead"),
        command(f"`tasks --state dead` {size}", None, "tasks", "--state", "dead"),
        command(f"`watch --timeout 1` {job}", None, "watch", *chosen, "--timeout", "1", expect=(75,),
                note="two looks, a second apart"),
    ]


def fill(bench, url: str, jobs: int, shards: int) -> None:
    """Makes the schema once and keeps it while its size is what is asked for."""
    bench.query(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    # The object directory belongs to the catalogue of the other rows.
    bench.run("catalogue", "migrate", DATABASE_URL=url, DETDIFFUSION_STORE="")
    if bench.query("SELECT count(*) FROM shards", url)[0][0] == jobs * shards:
        return
    bench.query("TRUNCATE jobs, shards, tasks, payloads, leases, outputs, results, workers RESTART IDENTITY", url)
    for statement in FILL.format(jobs=jobs, shards=shards, counted=COUNTED).split(";"):
        if statement.strip():
            bench.query("SET statement_timeout = 0; " + statement, url)
    bench.query("VACUUM ANALYZE jobs", url)
    for table in ("shards", "tasks", "payloads"):
        bench.query(f"VACUUM ANALYZE {table}", url)
    if bench.query("SELECT count(*) FROM tasks", url)[0][0] != jobs * shards * 500:
        raise measure.BenchError("queries: the catalogue was not filled as asked; drop the schema and run again")
