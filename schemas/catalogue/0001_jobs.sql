-- The catalogue: the truth about every job, shard, task and output. Messages only say that work may be there.
-- Applied once, in one transaction; never edited afterwards (a changed hash is refused). Times are the server's now().

CREATE TYPE task_state AS ENUM ('open', 'leased', 'waiting', 'done', 'dead', 'cancelled');
CREATE TYPE shard_state AS ENUM ('open', 'generated', 'finished', 'quarantined', 'cancelled');
CREATE TYPE job_state AS ENUM ('running', 'paused', 'cancelled');

-- One run over a subset. Its identity is the hash of the canonical specification, not its name.
CREATE TABLE jobs (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                 text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
    kind                 text NOT NULL,
    capability           text NOT NULL,
    lane                 text NOT NULL CHECK (lane IN ('normal', 'high')),
    strategy             text,
    specification        text NOT NULL,
    specification_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(specification_sha256) = 32),
    categories           text NOT NULL DEFAULT '[]',
    plan                 text NOT NULL DEFAULT '{}',
    state                job_state NOT NULL DEFAULT 'running',
    hint_size            integer NOT NULL CHECK (hint_size >= 1),
    max_attempts         smallint NOT NULL DEFAULT 5 CHECK (max_attempts >= 1),
    allow_dead           integer NOT NULL DEFAULT 0 CHECK (allow_dead >= 0),
    created_at           timestamptz NOT NULL DEFAULT now(),
    cancelled_at         timestamptz
);

-- A run of consecutive tasks of a job. Counters move by exactly the rows that moved, in the same statement.
-- Hint state lives here, never on the task rows.
CREATE TABLE shards (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id       bigint NOT NULL REFERENCES jobs,
    number       integer NOT NULL CHECK (number >= 0),
    first_task   bigint NOT NULL CHECK (first_task >= 0),
    tasks        integer NOT NULL CHECK (tasks >= 1),
    state        shard_state NOT NULL DEFAULT 'open',
    done         integer NOT NULL DEFAULT 0,
    dead         integer NOT NULL DEFAULT 0,
    cancelled    integer NOT NULL DEFAULT 0,
    hinted_at    timestamptz,
    due_at       timestamptz,
    tar          text,
    tar_sha256   bytea CHECK (octet_length(tar_sha256) = 32),
    tar_bytes    bigint,
    samples      integer,
    reason       text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    UNIQUE (job_id, number),
    CHECK (done >= 0 AND dead >= 0 AND cancelled >= 0 AND done + dead + cancelled <= tasks),
    CHECK (state <> 'finished' OR (tar IS NOT NULL AND tar_sha256 IS NOT NULL AND finished_at IS NOT NULL))
) WITH (fillfactor = 60);

CREATE INDEX shards_finished ON shards (job_id, number) WHERE state = 'finished';
CREATE INDEX shards_unfinished ON shards (job_id, number) WHERE state IN ('open', 'generated');
CREATE INDEX shards_due ON shards (due_at) WHERE due_at IS NOT NULL;

-- The hot table: narrow rows, no index but the key, so that every change of state is a heap-only update.
-- No foreign key to shards: it costs a look-up per row of COPY; `audit` looks for orphans instead.
CREATE TABLE tasks (
    shard_id   bigint NOT NULL,
    kind       text NOT NULL,
    number     integer NOT NULL,
    state      task_state NOT NULL DEFAULT 'open',
    epoch      integer NOT NULL DEFAULT 0,
    attempt    smallint NOT NULL DEFAULT 0,
    deaths     smallint NOT NULL DEFAULT 0,
    lease_id   bigint,
    not_before timestamptz,
    reason     text,
    PRIMARY KEY (shard_id, kind, number)
) WITH (fillfactor = 70);

-- The cold half of a task: what to generate, written once.
CREATE TABLE payloads (
    shard_id bigint NOT NULL,
    number   integer NOT NULL,
    image_id bigint NOT NULL,
    sample   integer NOT NULL,
    payload  bytea NOT NULL,
    PRIMARY KEY (shard_id, number)
);

CREATE TABLE workers (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    host         text NOT NULL,
    pid          integer NOT NULL,
    version      text NOT NULL,
    serves       text[] NOT NULL,
    device_class text NOT NULL,
    state        text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'draining', 'stopped')),
    done         bigint NOT NULL DEFAULT 0,
    failed       bigint NOT NULL DEFAULT 0,
    started_at   timestamptz NOT NULL DEFAULT now(),
    seen_at      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- The time a worker holds a batch. One row per batch, so renewing is one small update.
CREATE TABLE leases (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker_id   bigint NOT NULL REFERENCES workers,
    shard_id    bigint NOT NULL,
    kind        text NOT NULL,
    acquired_at timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
) WITH (fillfactor = 50);

-- One generated image, recorded once. A lost one keeps its row until the new image is recorded,
-- so that the hashes can be compared.
CREATE TABLE outputs (
    shard_id    bigint NOT NULL,
    number      integer NOT NULL,
    sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),
    bytes       integer NOT NULL,
    width       integer NOT NULL,
    height      integer NOT NULL,
    epoch       integer NOT NULL,
    worker_id   bigint NOT NULL REFERENCES workers,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    lost_at     timestamptz,
    PRIMARY KEY (shard_id, number)
);

-- Messages that could not be read, kept with their bytes.
CREATE TABLE dead_letters (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue       text NOT NULL,
    message_id  text NOT NULL,
    body        bytea NOT NULL,
    reason      text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
