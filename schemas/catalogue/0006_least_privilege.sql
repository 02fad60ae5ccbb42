-- What a stolen role can do: columns instead of tables, and no right to delete. Rights that are given column by column do
-- not allow LOCK TABLE; the rows that a role must not remove itself are removed by the table's own triggers.

-- A lease ends when its time is set to -infinity: whoever may renew it may end it, and nobody who holds leases may delete.
-- Messages that could not be read are evidence, not a store: the newest 1,000, at most 64 KiB of each, for 30 days,
-- whoever writes them.
DO $$
BEGIN
    -- A path of their own: the caller's may put tables of the caller's before the catalogue's.
    EXECUTE format($definition$
        CREATE FUNCTION remove_ended_lease() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = %1$I, pg_temp AS $body$
        BEGIN
            DELETE FROM leases WHERE id = NEW.id;
            RETURN NULL;
        END
        $body$;

        CREATE FUNCTION cut_dead_letter() RETURNS trigger LANGUAGE plpgsql
        SET search_path = %1$I, pg_temp AS $body$
        BEGIN
            NEW.queue := left(NEW.queue, 255);
            NEW.message_id := left(NEW.message_id, 255);
            NEW.reason := left(NEW.reason, 2000);
            NEW.body := substring(NEW.body FROM 1 FOR 65536);
            NEW.received_at := now();
            RETURN NEW;
        END
        $body$;

        CREATE FUNCTION drop_old_dead_letters() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = %1$I, pg_temp AS $body$
        BEGIN
            DELETE FROM dead_letters WHERE id IN (
                SELECT id FROM dead_letters
                WHERE id <= (SELECT max(id) FROM dead_letters) - 1000 OR received_at < now() - interval '30 days'
                ORDER BY id FOR UPDATE SKIP LOCKED);
            RETURN NULL;
        END
        $body$;
        $definition$, current_schema());
END
$$;

REVOKE EXECUTE ON FUNCTION remove_ended_lease(), cut_dead_letter(), drop_old_dead_letters() FROM PUBLIC;

CREATE TRIGGER remove_ended AFTER UPDATE OF expires_at ON leases
FOR EACH ROW WHEN (NEW.expires_at = '-infinity') EXECUTE FUNCTION remove_ended_lease();

CREATE TRIGGER cut BEFORE INSERT ON dead_letters FOR EACH ROW EXECUTE FUNCTION cut_dead_letter();

CREATE TRIGGER drop_old AFTER INSERT ON dead_letters FOR EACH STATEMENT EXECUTE FUNCTION drop_old_dead_letters();

-- The same rights that `detdiffusion-catalogue provision` gives.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['detdiffusion_producer', 'detdiffusion_worker', 'detdiffusion_reader'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', current_schema(), role);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', current_schema(), role);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'detdiffusion_producer') THEN
        GRANT INSERT (name, kind, capability, lane, strategy, specification, specification_sha256, categories, plan,
                      hint_size, max_attempts),
              UPDATE (hint_size, max_attempts) ON jobs TO detdiffusion_producer;
        GRANT INSERT (job_id, number, first_task, tasks), UPDATE (hinted_at) ON shards TO detdiffusion_producer;
        GRANT INSERT (shard_id, kind, number) ON tasks TO detdiffusion_producer;
        GRANT INSERT (shard_id, number, image_id, sample, payload) ON payloads TO detdiffusion_producer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'detdiffusion_worker') THEN
        GRANT UPDATE (state, done, dead, cancelled, hinted_at, due_at, tar, tar_sha256, tar_bytes, samples, reason,
                      finished_at) ON shards TO detdiffusion_worker;
        GRANT INSERT (shard_id, kind, number),
              UPDATE (state, epoch, attempt, deaths, lease_id, not_before, reason) ON tasks TO detdiffusion_worker;
        GRANT INSERT (shard_id, number, sha256, bytes, width, height, epoch, worker_id, device_class, device_epoch),
              UPDATE (sha256, bytes, width, height, epoch, worker_id, device_class, device_epoch, recorded_at, lost_at)
              ON outputs TO detdiffusion_worker;
        GRANT INSERT (name, host, pid, version, serves, device_class), UPDATE (state, done, failed, seen_at) ON workers
              TO detdiffusion_worker;
        GRANT INSERT (worker_id, shard_id, kind, expires_at), UPDATE (expires_at) ON leases TO detdiffusion_worker;
        GRANT INSERT (queue, message_id, body, reason) ON dead_letters TO detdiffusion_worker;
    END IF;
END
$$;
