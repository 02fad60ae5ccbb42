-- Stable views for people and tools that read the catalogue with SQL. Columns are only ever added at the end.

CREATE VIEW finished_shards AS
SELECT j.name AS job, j.strategy, s.number AS shard, s.tasks, s.done, s.dead, s.samples,
       s.tar, encode(s.tar_sha256, 'hex') AS sha256, s.tar_bytes AS bytes, s.finished_at,
       s.dead > 0 AS incomplete
FROM shards s
JOIN jobs j ON j.id = s.job_id
WHERE s.state = 'finished';

CREATE VIEW job_progress AS
SELECT j.id, j.name AS job, j.kind, j.capability, j.lane, j.strategy,
       CASE WHEN j.state <> 'running' THEN j.state::text
            WHEN s.shards > 0 AND s.finished = s.shards THEN 'finished'
            ELSE 'running' END AS state,
       coalesce(s.tasks, 0)::bigint AS tasks, coalesce(s.done, 0)::bigint AS done,
       coalesce(s.dead, 0)::bigint AS dead, coalesce(s.cancelled, 0)::bigint AS cancelled,
       coalesce(s.shards, 0)::bigint AS shards, coalesce(s.finished, 0)::bigint AS finished_shards,
       coalesce(s.generated, 0)::bigint AS generated_shards,
       coalesce(s.quarantined, 0)::bigint AS quarantined_shards, j.created_at
FROM jobs j
LEFT JOIN LATERAL (
    SELECT sum(tasks) AS tasks, sum(done) AS done, sum(dead) AS dead, sum(cancelled) AS cancelled,
           count(*) AS shards, count(*) FILTER (WHERE state = 'finished') AS finished,
           count(*) FILTER (WHERE state = 'generated') AS generated,
           count(*) FILTER (WHERE state = 'quarantined') AS quarantined
    FROM shards WHERE job_id = j.id
) s ON true;
