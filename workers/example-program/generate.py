#!/usr/bin/env python3
"""A complete generator program without dependencies: draws each layout as colored boxes over a plain background.

    detdiffusion-worker run --generator program --program workers/example-program/generate.py

docs/plugins.md explains the lines. Replace `draw` with something better and you have a generator of your own.
"""
import json
import os
import random
import struct
import sys
import zlib

# Standard output belongs to the protocol. What libraries print goes to standard error, that is, to the worker's log.
lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

BORDER = 3  # pixels


def say(**line):
    lines.write(json.dumps(line) + "\n")
    lines.flush()


def color(category_id):
    """The same color for the same category."""
    return bytes(random.Random(category_id).randrange(40, 256) for _ in range(3))


def draw(task, width, height):
    """RGB rows of one image. It depends on the task alone: its seed, and not the batch it came in."""
    background = bytes(random.Random(task["seed"]).randrange(40, 120) for _ in range(3))
    rows = [bytearray(background * width) for _ in range(height)]
    # Large objects first, so that small ones stay visible on top of them.
    for item in sorted(task["objects"], key=lambda item: -item["bbox"][2] * item["bbox"][3]):
        left, top = (round(side) for side in item["bbox"][:2])
        right = min(width, round(item["bbox"][0] + item["bbox"][2]))
        bottom = min(height, round(item["bbox"][1] + item["bbox"][3]))
        fill = color(item["category_id"])
        edge = b"\xff\x40\x40" if item["attribute"] == "hard" else b"\x40\xff\x40"
        for y in range(top, bottom):
            is_edge = y < top + BORDER or y >= bottom - BORDER
            rows[y][3 * left:3 * right] = (edge if is_edge else fill) * (right - left)
            for x in [*range(left, min(left + BORDER, right)), *range(max(left, right - BORDER), right)]:
                rows[y][3 * x:3 * x + 3] = edge
    return rows


def png(rows, width, height):
    """An RGB8 PNG: signature, header, one stream of rows without filters, end."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    pixels = zlib.compress(b"".join(b"\x00" + bytes(row) for row in rows), 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def make(task, batch):
    """What became of one task. A failure of one task does not touch its neighbors."""
    try:
        if not task["objects"]:
            return {"id": task["id"], "error": "the layout has no objects", "permanent": True}
        name = f"{task['id']}.png"
        with open(os.path.join(batch["folder"], name), "wb") as file:
            file.write(png(draw(task, batch["width"], batch["height"]), batch["width"], batch["height"]))
        return {"id": task["id"], "file": name}
    except OSError as error:
        return {"id": task["id"], "error": str(error), "permanent": False}


def main():
    say(type="ready", version=1, name="example", device="example-1", sizes="any", batch=16)
    for text in sys.stdin:  # Its end means: leave.
        line = json.loads(text)
        if line["type"] == "stop":
            break
        if line["type"] == "batch":
            say(type="result", id=line["id"], results=[make(task, line) for task in line["tasks"]])


if __name__ == "__main__":
    main()
