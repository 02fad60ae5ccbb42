# Scope: row 6, packing shards, beside webdataset's ShardWriter.
import hashlib
import io
import json
import os
import random
import shutil
import time

from measure import Contender, Figure

IMAGES, BYTES = 500, 100_000  # a shard's images, and a photograph's size as PNG

RECORD = """
INSERT INTO workers (name, host, pid, version, serves, device_class) VALUES ('bench', 'bench', 1, '1', '{}', 'bench');
INSERT INTO outputs (shard_id, number, sha256, bytes, width, height, epoch, worker_id)
SELECT t.shard_id, t.number, d.sha256, %(bytes)s, 64, 48, 1, w.id
FROM tasks t JOIN unnest(%(digests)s::text[]) WITH ORDINALITY AS g (hex, ordinal) ON g.ordinal = t.number + 1,
     LATERAL (SELECT decode(g.hex, 'hex') AS sha256) d, workers w;
UPDATE tasks SET state = 'done', epoch = 1;
INSERT INTO tasks (shard_id, kind, number) SELECT id, 'pack', 0 FROM shards;
UPDATE shards SET state = 'generated', done = tasks, hinted_at = now() - interval '1 hour';
"""


def contenders(bench) -> list[Contender]:
    shards = 3 if bench.is_quick else 20
    images = make_images()
    figures = [Figure("shards", "shards/s", more_is_better=True), Figure("megabytes", "MB/s", digits=0, more_is_better=True)]
    size = f"{shards} shards of {IMAGES} images of {BYTES / 1000:.0f} kB"
    return [
        Contender(6, f"pack {size}, 1 worker", figures, lambda round_number: pack(bench, images, shards, round_number),
                  "reads each image and checks its hash, writes, syncs, re-reads, hashes, records"),
        Contender(6, f"webdataset ShardWriter, {size}", figures, lambda _: write_with_webdataset(bench, images, shards),
                  "images are in memory; neither syncs nor hashes nor records"),
    ]


def make_images() -> list[bytes]:
    source = random.Random(1)
    return [source.randbytes(BYTES) for _ in range(IMAGES)]


def figures_of(shards: int, seconds: float) -> dict[str, float]:
    rate = shards / seconds
    return {"shards": rate, "megabytes": rate * IMAGES * BYTES / 1e6}


def pack(bench, images: list[bytes], shards: int, round_number: int) -> dict[str, float]:
    """Records the images as generated, and lets a worker find and pack the shards."""
    import psycopg

    bench.empty()
    bench.enqueue("pack", shards * IMAGES, hint_size=500, seed=round_number)
    digests = [put(bench.store, image) for image in images]
    with psycopg.connect(bench.database_url) as connection:
        cursor = psycopg.ClientCursor(connection)
        cursor.execute(RECORD, {"bytes": BYTES, "digests": digests})
    os.sync()
    profile = os.path.join(bench.data, "packer.json")
    with open(profile, "w") as file:
        json.dump({"generators": [], "pack": True, "hintHorizon": 0.2}, file)
    bench.start_workers(1, "--profile", profile)
    try:
        bench.await_count("SELECT count(*) FROM shards WHERE state = 'finished'", shards, limit=300)
    finally:
        bench.stop_workers()
    # The first shard's end starts the clock: finding forgotten work is no part of packing.
    seconds = bench.query("SELECT extract(epoch FROM max(finished_at) - min(finished_at)) FROM shards")[0][0]
    return figures_of(shards - 1, float(seconds))


def put(store: str, image: bytes) -> str:
    """Keeps an image where the object directory has it."""
    digest = hashlib.sha256(image).hexdigest()
    folder = os.path.join(store, "objects", digest[:2])
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, digest[2:] + ".png"), "wb") as file:
        file.write(image)
    return digest


def write_with_webdataset(bench, images: list[bytes], shards: int) -> dict[str, float]:
    import contextlib

    import webdataset

    folder = os.path.join(bench.data, "webdataset")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    record = json.dumps({"objects": [], "prompt": "An image with " + "x" * 700}).encode()
    begin = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        with webdataset.ShardWriter(os.path.join(folder, "%06d.tar"), maxcount=IMAGES) as writer:
            for shard in range(shards):
                for number, image in enumerate(images):
                    writer.write({"__key__": f"{shard:06d}-{number:06d}", "png": image, "json": record})
    seconds = time.monotonic() - begin
    shutil.rmtree(folder)
    return figures_of(shards, seconds)
