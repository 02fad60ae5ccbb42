-- What ties an object directory to this catalogue, and what `gc` has to know of jobs that were purged.

-- One row: the identity that the object directory carries in a file. A restored catalogue keeps it.
CREATE TABLE store_identity (
    id             text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),
    is_only        boolean NOT NULL DEFAULT true UNIQUE CHECK (is_only),
    provisioned_at timestamptz
);
INSERT INTO store_identity (id) VALUES (replace(gen_random_uuid()::text, '-', ''));

-- The shards of purged jobs, so that `gc` can tell their archives from those of jobs that were never here.
CREATE TABLE purged_shards (
    job       text NOT NULL,
    number    integer NOT NULL,
    purged_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job, number)
);

-- Whoever deletes shards, and however many at once.
CREATE FUNCTION remember_purged_shards() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO purged_shards (job, number)
    SELECT j.name, s.number FROM removed s JOIN jobs j ON j.id = s.job_id
    ON CONFLICT (job, number) DO UPDATE SET purged_at = now();
    RETURN NULL;
END
$$;
CREATE TRIGGER shards_are_purged AFTER DELETE ON shards REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION remember_purged_shards();

-- Who may read jobs may read these.
DO $$
DECLARE
    reader name;
BEGIN
    FOR reader IN
        SELECT DISTINCT r.rolname FROM pg_class c, aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.oid = 'jobs'::regclass AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT SELECT ON store_identity, purged_shards TO %I', reader);
    END LOOP;
END
$$;
