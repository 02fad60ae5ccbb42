-- What a job's gate found out about an image: which try it is, its seed, and each object's best detection, so that thresholds
-- can be changed without generating anew (schemas/messages/judgement.v1.schema.json). NULL for jobs without a gate.
ALTER TABLE outputs ADD COLUMN judgement jsonb;
ALTER TABLE outputs ADD CONSTRAINT outputs_judgement_range
    CHECK (judgement IS NULL OR (jsonb_typeof(judgement) = 'object' AND octet_length(judgement::text) <= 1048576)) NOT VALID;

-- Who records images records what was found in them.
DO $$
DECLARE
    role name;
BEGIN
    FOR role IN
        SELECT DISTINCT r.rolname FROM information_schema.column_privileges p JOIN pg_roles r ON r.rolname = p.grantee
        WHERE p.table_schema = current_schema() AND p.table_name = 'outputs' AND p.privilege_type = 'INSERT'
    LOOP
        EXECUTE format('GRANT INSERT (judgement), UPDATE (judgement) ON outputs TO %I', role);
    END LOOP;
END
$$;
