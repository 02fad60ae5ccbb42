-- What no row can be, whoever wrote it. Sources/Catalogue/RowRules.swift says the same to the statements that choose rows, so
-- that a row of before these constraints is left alone instead of refusing every change of it. The constraints are added
-- without a look at the rows that are there; `detdiffusion-catalogue migrate` looks at them afterwards, without a lock that
-- workers would notice, and names those that cannot be.
-- Times are the server's: what is ahead of now() by more than the longest lease and wait, an hour, and a minute for clocks that
-- are set, is nobody's. now() in a constraint is safe where a time is only ever written together with it.

-- How often computing of the task was given back unfinished; counts as no attempt.
ALTER TABLE tasks ADD COLUMN returns smallint NOT NULL DEFAULT 0;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'detdiffusion_worker') THEN
        GRANT UPDATE (returns) ON tasks TO detdiffusion_worker;
    END IF;
END
$$;
ALTER TABLE tasks
    ADD CONSTRAINT tasks_number_range CHECK (number >= 0 AND number < 1000000) NOT VALID,
    ADD CONSTRAINT tasks_epoch_range CHECK (epoch >= 0 AND epoch <= 2000000000) NOT VALID,
    ADD CONSTRAINT tasks_tries_range CHECK (attempt >= 0 AND deaths >= 0 AND returns >= 0) NOT VALID,
    ADD CONSTRAINT tasks_kind_range CHECK (kind ~ '^[a-z]{1,32}$') NOT VALID,
    ADD CONSTRAINT tasks_wait_range CHECK (not_before <= now() + interval '61 minutes') NOT VALID;

ALTER TABLE leases
    ADD CONSTRAINT leases_kind_range CHECK (kind ~ '^[a-z]{1,32}$') NOT VALID,
    ADD CONSTRAINT leases_time_range CHECK (isfinite(acquired_at) AND expires_at <= now() + interval '61 minutes') NOT VALID;

ALTER TABLE shards
    ADD CONSTRAINT shards_number_range CHECK (number < 10000000) NOT VALID,
    ADD CONSTRAINT shards_tasks_range CHECK (tasks <= 1000000 AND first_task <= 1000000000000) NOT VALID,
    ADD CONSTRAINT shards_archive_range CHECK (tar_bytes >= 0 AND samples >= 0 AND samples <= tasks) NOT VALID;

ALTER TABLE jobs
    ADD CONSTRAINT jobs_kind_range CHECK (kind ~ '^[a-z]{1,32}$') NOT VALID,
    ADD CONSTRAINT jobs_capability_range CHECK (capability ~ '^[a-z0-9][a-z0-9.-]{0,79}$') NOT VALID,
    ADD CONSTRAINT jobs_hint_size_range CHECK (hint_size <= 1000000) NOT VALID,
    ADD CONSTRAINT jobs_text_range CHECK (octet_length(specification) <= 1048576 AND octet_length(categories) <= 67108864
                                          AND octet_length(plan) <= 67108864) NOT VALID;

ALTER TABLE payloads
    ADD CONSTRAINT payloads_number_range CHECK (number >= 0 AND number < 1000000 AND sample >= 0 AND sample < 1000) NOT VALID,
    ADD CONSTRAINT payloads_size_range CHECK (octet_length(payload) <= 67108864) NOT VALID;

ALTER TABLE outputs
    ADD CONSTRAINT outputs_number_range CHECK (number >= 0 AND number < 1000000 AND epoch >= 0) NOT VALID,
    ADD CONSTRAINT outputs_size_range CHECK (bytes >= 0 AND width >= 1 AND width <= 4096 AND height >= 1 AND height <= 4096)
        NOT VALID;

ALTER TABLE workers
    ADD CONSTRAINT workers_range CHECK (isfinite(started_at) AND isfinite(seen_at) AND done >= 0 AND failed >= 0) NOT VALID;

-- A shard's times are judged only where they are written: its row changes for other reasons, too, and a server whose clock was
-- set back must not refuse those.
CREATE FUNCTION refuse_times_ahead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'shards_time_range',
        MESSAGE = format('new row for relation "shards" violates check constraint "shards_time_range": shard %s has times '
                         'ahead of the server''s clock', NEW.id);
END
$$;
CREATE TRIGGER shards_begin_in_time AFTER INSERT ON shards FOR EACH ROW
WHEN (NEW.created_at > now() + interval '1 minute' OR NEW.hinted_at > now() + interval '1 minute'
      OR NEW.due_at > now() + interval '61 minutes')
EXECUTE FUNCTION refuse_times_ahead();
CREATE TRIGGER shards_are_made_in_time AFTER UPDATE OF created_at ON shards FOR EACH ROW
WHEN (NEW.created_at > now() + interval '1 minute') EXECUTE FUNCTION refuse_times_ahead();
CREATE TRIGGER shards_are_hinted_in_time AFTER UPDATE OF hinted_at ON shards FOR EACH ROW
WHEN (NEW.hinted_at > now() + interval '1 minute') EXECUTE FUNCTION refuse_times_ahead();
CREATE TRIGGER shards_are_due_in_time AFTER UPDATE OF due_at ON shards FOR EACH ROW
WHEN (NEW.due_at > now() + interval '61 minutes') EXECUTE FUNCTION refuse_times_ahead();
