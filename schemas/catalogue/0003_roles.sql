-- Rights of the three roles, where they exist. `detdiffusion-catalogue provision` makes the roles and may grant again.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['detdiffusion_producer', 'detdiffusion_worker', 'detdiffusion_reader'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', current_schema(), role);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'detdiffusion_producer') THEN
        GRANT INSERT, UPDATE ON jobs, shards TO detdiffusion_producer;
        GRANT INSERT ON tasks, payloads TO detdiffusion_producer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'detdiffusion_worker') THEN
        GRANT UPDATE ON shards TO detdiffusion_worker;
        GRANT INSERT, UPDATE ON tasks, outputs, workers TO detdiffusion_worker;
        GRANT INSERT, UPDATE, DELETE ON leases TO detdiffusion_worker;
        GRANT DELETE ON tasks TO detdiffusion_worker;
        GRANT INSERT ON dead_letters TO detdiffusion_worker;
    END IF;
END
$$;
