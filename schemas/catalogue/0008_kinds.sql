-- A kind of task is data: what follows a complete shard is said by its job, and what a task recorded is a row, whatever its kind
-- is. Images have their own table, `outputs`, an archive is recorded in its shard's row, everything else is in `results`.

-- What is done once with a shard whose tasks are all accounted for, before it is finished: a kind and what a worker needs for
-- it. NULL: nothing follows, and the shard is finished with its last task. The default is that of the jobs that are here.
ALTER TABLE jobs
    ADD COLUMN follow_kind text DEFAULT 'pack',
    ADD COLUMN follow_capability text DEFAULT 'archive',
    ADD CONSTRAINT jobs_follow_range CHECK (
        (follow_kind IS NULL) = (follow_capability IS NULL) AND follow_kind <> kind AND follow_kind ~ '^[a-z]{1,32}$'
        AND follow_capability ~ '^[a-z0-9][a-z0-9.-]{0,79}$') NOT VALID;

-- It holds the statistics of the plan, not the plan.
ALTER TABLE jobs RENAME COLUMN plan TO statistics;

-- What a task recorded that made no image: bytes or JSON, once. A lost one keeps its row until the task was done again, so that
-- the hashes can be compared.
CREATE TABLE results (
    shard_id     bigint NOT NULL,
    kind         text NOT NULL,
    number       integer NOT NULL,
    form         text NOT NULL CHECK (form IN ('bytes', 'json')),
    content      bytea NOT NULL,
    sha256       bytea NOT NULL CHECK (octet_length(sha256) = 32),
    epoch        integer NOT NULL,
    worker_id    bigint NOT NULL REFERENCES workers,
    device_class text,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    lost_at      timestamptz,
    PRIMARY KEY (shard_id, kind, number),
    CONSTRAINT results_kind_range CHECK (kind ~ '^[a-z]{1,32}$'),
    CONSTRAINT results_number_range CHECK (number >= 0 AND number < 1000000 AND epoch >= 0),
    CONSTRAINT results_size_range CHECK (octet_length(content) <= 16777216)
);

-- A finished shard needs an archive only where its job asks for one, which the shard's row does not know; `audit` looks.
DO $$
DECLARE
    demand name;
BEGIN
    SELECT conname INTO STRICT demand FROM pg_constraint
    WHERE conrelid = 'shards'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%finished_at IS NOT NULL%';
    EXECUTE format('ALTER TABLE shards DROP CONSTRAINT %I', demand);
END
$$;
ALTER TABLE shards
    ADD CONSTRAINT shards_finish_range CHECK (state <> 'finished' OR finished_at IS NOT NULL) NOT VALID,
    ADD CONSTRAINT shards_tar_range CHECK ((tar IS NULL) = (tar_sha256 IS NULL)) NOT VALID;

-- Programs of before this migration run on beside those of after it. They take every complete shard for one that has to be
-- packed, and wake only tasks of the job's own kind and of packing, whatever they set the shard's next time to. What these
-- triggers do to such changes is what their writers would do if they knew the job.
DO $$
BEGIN
    -- A path of its own: the caller's may put tables of the caller's before the catalogue's.
    EXECUTE format($definition$
        CREATE FUNCTION ask_for_follow_up() RETURNS trigger LANGUAGE plpgsql
        SET search_path = %1$I, pg_temp AS $body$
        DECLARE
            follow text;
        BEGIN
            SELECT follow_kind INTO follow FROM jobs WHERE id = NEW.job_id;
            -- Asked for already, as programs of now do first.
            IF EXISTS (SELECT FROM tasks WHERE shard_id = NEW.id AND kind = follow AND number = 0 AND state = 'open') THEN
                RETURN NEW;
            END IF;
            IF follow IS NOT NULL THEN
                INSERT INTO tasks AS t (shard_id, kind, number) VALUES (NEW.id, follow, 0)
                ON CONFLICT (shard_id, kind, number) DO UPDATE
                SET state = 'open', attempt = 0, deaths = 0, returns = 0, lease_id = NULL, not_before = NULL, reason = NULL;
                UPDATE shards SET state = 'generated', hinted_at = NEW.hinted_at WHERE id = NEW.id;
            ELSE
                UPDATE shards SET state = 'finished', hinted_at = NEW.hinted_at, finished_at = now() WHERE id = NEW.id;
            END IF;
            -- The writer's own change is left out, and with it the task that it would add.
            RETURN NULL;
        END
        $body$;

        CREATE FUNCTION keep_follow_up_due() RETURNS trigger LANGUAGE plpgsql
        SET search_path = %1$I, pg_temp AS $body$
        BEGIN
            -- A second for whoever sees it next: who cannot wake it must not find it again at once.
            NEW.due_at := (SELECT greatest(min(t.not_before), now() + interval '1 second')
                           FROM tasks t JOIN jobs j ON j.id = NEW.job_id AND j.follow_kind = t.kind
                           WHERE t.shard_id = NEW.id AND t.state = 'waiting' HAVING count(*) > 0);
            RETURN NEW;
        END
        $body$;
        $definition$, current_schema());
END
$$;
REVOKE EXECUTE ON FUNCTION ask_for_follow_up(), keep_follow_up_due() FROM PUBLIC;
CREATE TRIGGER shards_ask_for_follow_up BEFORE UPDATE OF state ON shards FOR EACH ROW
WHEN (OLD.state = 'open' AND NEW.state = 'generated') EXECUTE FUNCTION ask_for_follow_up();
CREATE TRIGGER shards_keep_follow_up_due BEFORE UPDATE OF due_at ON shards FOR EACH ROW
WHEN (NEW.state = 'generated' AND OLD.due_at IS NOT NULL AND NEW.due_at IS NULL) EXECUTE FUNCTION keep_follow_up_due();

-- What readers of the views need to tell such shards apart.
CREATE OR REPLACE VIEW finished_shards AS
SELECT j.name AS job, j.strategy, s.number AS shard, s.tasks, s.done, s.dead, s.samples,
       s.tar, encode(s.tar_sha256, 'hex') AS sha256, s.tar_bytes AS bytes, s.finished_at,
       s.dead > 0 AS incomplete, j.kind
FROM shards s
JOIN jobs j ON j.id = s.job_id
WHERE s.state = 'finished';

-- Who writes jobs says what follows; who records images records results; who reads jobs reads them.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT DISTINCT r.rolname AS role, p.table_name || ' ' || p.privilege_type AS may
        FROM information_schema.column_privileges p JOIN pg_roles r ON r.rolname = p.grantee
        WHERE p.table_schema = current_schema() AND p.table_name IN ('jobs', 'outputs')
    LOOP
        CASE given.may
            WHEN 'jobs SELECT' THEN
                EXECUTE format('GRANT SELECT ON results TO %I', given.role);
            WHEN 'jobs INSERT' THEN
                EXECUTE format('GRANT INSERT (follow_kind, follow_capability) ON jobs TO %I', given.role);
            WHEN 'outputs INSERT' THEN
                EXECUTE format('GRANT INSERT (shard_id, kind, number, form, content, sha256, epoch, worker_id, device_class), '
                               'UPDATE (form, content, sha256, epoch, worker_id, device_class, recorded_at, lost_at) '
                               'ON results TO %I', given.role);
            ELSE NULL;
        END CASE;
    END LOOP;
END
$$;
