-- Which jobs wait, found without reading the shards that do not. A migration of its own: the value `blocked` must not be used in
-- the transaction that adds it.
CREATE INDEX shards_blocked ON shards (job_id, number) WHERE state = 'blocked';
