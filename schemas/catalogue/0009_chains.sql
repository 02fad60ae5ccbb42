-- A job may follow another: its shards are blocked until what they wait for is finished. Nothing claims, hints or packs a blocked
-- shard, also no program of before this migration, since none of them looks for that state.
-- The value is only named where it is looked at later: the transaction that adds it must not use it.
ALTER TYPE shard_state ADD VALUE 'blocked';

-- What a job waits for, and how: all shards until the other job is finished as a whole ('job'), or each until the other job's
-- shard of the same number is ('shard'). A job follows one that was recorded before it, so no circle can close.
ALTER TABLE jobs
    ADD COLUMN after_job bigint REFERENCES jobs,
    ADD COLUMN after_by text,
    ADD CONSTRAINT jobs_after_range CHECK (
        (after_job IS NULL) = (after_by IS NULL) AND after_by IN ('job', 'shard') AND after_job < id);

CREATE INDEX jobs_after ON jobs (after_job) WHERE after_job IS NOT NULL;

-- Triggers, so that it holds whoever finishes or adds a shard. Whoever finishes one and whoever adds a follower's shards take the
-- lock of the job that is followed before they look, so that neither misses the other, nor do two who finish the last shards.
DO $$
BEGIN
    -- A path of their own: the caller's may put tables of the caller's before the catalogue's.
    EXECUTE format($definition$
        -- Not STABLE: it must see what was committed while its caller waited for the lock.
        CREATE FUNCTION is_finished(job bigint) RETURNS boolean LANGUAGE plpgsql
        SET search_path = %1$I, pg_temp AS $body$
        BEGIN
            -- One entry of the partial index answers nearly always.
            RETURN NOT EXISTS (SELECT FROM shards s WHERE s.job_id = job AND s.state IN ('open', 'generated'))
                AND NOT EXISTS (SELECT FROM shards s WHERE s.job_id = job AND s.state <> 'finished')
                AND EXISTS (SELECT FROM shards s WHERE s.job_id = job);
        END
        $body$;

        CREATE FUNCTION block_added_shard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = %1$I, pg_temp AS $body$
        BEGIN
            IF NEW.state = 'open' AND EXISTS (SELECT FROM jobs WHERE id = NEW.job_id AND after_job IS NOT NULL) THEN
                NEW.state := 'blocked';
            END IF;
            RETURN NEW;
        END
        $body$;

        -- At the COMMIT, so that finishing the other job's shards waits for no COPY.
        CREATE FUNCTION open_added_shard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = %1$I, pg_temp AS $body$
        DECLARE
            follower jobs;
        BEGIN
            SELECT * INTO follower FROM jobs WHERE id = NEW.job_id AND after_job IS NOT NULL;
            IF NOT FOUND OR NOT EXISTS (SELECT FROM shards WHERE id = NEW.id AND state = 'blocked') THEN
                RETURN NULL;
            END IF;
            PERFORM FROM jobs WHERE id = follower.after_job FOR NO KEY UPDATE;
            IF is_finished(follower.after_job) THEN
                UPDATE shards SET state = 'open' WHERE job_id = follower.id AND state = 'blocked';
            ELSIF follower.after_by = 'shard' THEN
                UPDATE shards s SET state = 'open' FROM shards p
                WHERE s.id = NEW.id AND p.job_id = follower.after_job AND p.number = s.number AND p.state = 'finished';
            END IF;
            RETURN NULL;
        END
        $body$;

        -- Opened shards count as hinted: whoever finished the shard they waited for does that next.
        CREATE FUNCTION open_followers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = %1$I, pg_temp AS $body$
        BEGIN
            PERFORM FROM jobs WHERE id = NEW.job_id FOR NO KEY UPDATE;
            IF NOT EXISTS (SELECT FROM jobs WHERE after_job = NEW.job_id) THEN
                RETURN NULL;
            END IF;
            UPDATE shards s SET state = 'open', hinted_at = now() FROM jobs f
            WHERE f.after_job = NEW.job_id AND f.after_by = 'shard' AND s.job_id = f.id AND s.number = NEW.number
              AND s.state = 'blocked';
            IF is_finished(NEW.job_id) THEN
                UPDATE shards s SET state = 'open', hinted_at = now() FROM jobs f
                WHERE f.after_job = NEW.job_id AND s.job_id = f.id AND s.state = 'blocked';
            END IF;
            RETURN NULL;
        END
        $body$;
        $definition$, current_schema());
END
$$;

REVOKE EXECUTE ON FUNCTION is_finished(bigint), block_added_shard(), open_added_shard(), open_followers() FROM PUBLIC;

CREATE TRIGGER block_added BEFORE INSERT ON shards FOR EACH ROW EXECUTE FUNCTION block_added_shard();

CREATE CONSTRAINT TRIGGER open_added AFTER INSERT ON shards DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (NEW.state <> 'open') EXECUTE FUNCTION open_added_shard();

CREATE TRIGGER open_followers AFTER UPDATE OF state ON shards FOR EACH ROW
WHEN (NEW.state = 'finished' AND OLD.state <> 'finished') EXECUTE FUNCTION open_followers();

CREATE OR REPLACE VIEW job_progress AS
SELECT j.id, j.name AS job, j.kind, j.capability, j.lane, j.strategy,
       CASE WHEN j.state <> 'running' THEN j.state::text
            WHEN s.shards > 0 AND s.finished = s.shards THEN 'finished'
            ELSE 'running' END AS state,
       coalesce(s.tasks, 0)::bigint AS tasks, coalesce(s.done, 0)::bigint AS done,
       coalesce(s.dead, 0)::bigint AS dead, coalesce(s.cancelled, 0)::bigint AS cancelled,
       coalesce(s.shards, 0)::bigint AS shards, coalesce(s.finished, 0)::bigint AS finished_shards,
       coalesce(s.generated, 0)::bigint AS generated_shards,
       coalesce(s.quarantined, 0)::bigint AS quarantined_shards, j.created_at,
       a.name AS after_job, j.after_by, a.state::text AS after_state, coalesce(s.blocked, 0)::bigint AS blocked_shards
FROM jobs j
LEFT JOIN jobs a ON a.id = j.after_job
LEFT JOIN LATERAL (
    SELECT sum(tasks) AS tasks, sum(done) AS done, sum(dead) AS dead, sum(cancelled) AS cancelled,
           count(*) AS shards, count(*) FILTER (WHERE state = 'finished') AS finished,
           count(*) FILTER (WHERE state = 'generated') AS generated,
           count(*) FILTER (WHERE state = 'quarantined') AS quarantined,
           count(*) FILTER (WHERE state::text = 'blocked') AS blocked
    FROM shards WHERE job_id = j.id
) s ON true;

-- Who writes jobs says what they follow.
DO $$
DECLARE
    producer name;
BEGIN
    FOR producer IN
        SELECT DISTINCT r.rolname FROM pg_attribute t, aclexplode(t.attacl) a JOIN pg_roles r ON r.oid = a.grantee
        WHERE t.attrelid = 'jobs'::regclass AND t.attname = 'name' AND a.privilege_type = 'INSERT'
    LOOP
        EXECUTE format('GRANT INSERT (after_job, after_by) ON jobs TO %I', producer);
    END LOOP;
END
$$;
