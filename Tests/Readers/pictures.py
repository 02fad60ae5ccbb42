"""Makes JPEGs with Pillow, and says what Pillow reads from them. Argument: a folder. Prints, for each file NAME.jpg that it
wrote there, its name, width and height once it stands upright, and the SHA-256 of its RGB8 pixels."""

import hashlib
import json
import os
import random
import sys

from PIL import Image, ImageDraw, ImageFilter, ImageOps

folder = sys.argv[1]
draw = random.Random(20261130)


def picture(width, height):
    image = Image.new("RGB", (width, height), (90, 140, 200))
    pen = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = draw.randrange(width), draw.randrange(height)
        pen.ellipse([x, y, x + draw.randrange(1, width + 1), y + draw.randrange(1, height + 1)], fill=tuple(draw.randrange(256) for _ in range(3)))
    return image.filter(ImageFilter.GaussianBlur(0.7))


def save(name, image, **options):
    image.save(os.path.join(folder, name + ".jpg"), "JPEG", **options)


for width, height in ((64, 48), (33, 57), (1, 1), (7, 200), (800, 456)):
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        for quality in (35, 92):
            name = f"baseline-{width}x{height}-{subsampling.replace(':', '')}-{quality}"
            save(name, picture(width, height), quality=quality, subsampling=subsampling)
    save(f"progressive-{width}x{height}", picture(width, height), progressive=True, quality=80)
    save(f"gray-{width}x{height}", picture(width, height).convert("L"))
    save(f"cmyk-{width}x{height}", picture(width, height).convert("CMYK"), quality=85)
    save(f"rgb-{width}x{height}", picture(width, height), keep_rgb=True)
    save(f"restart-{width}x{height}", picture(width, height), restart_marker_blocks=2)
for orientation in range(0, 10):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "maker", orientation
    save(f"exif-{orientation}", picture(40, 25), exif=exif)

found = []
for name in sorted(os.listdir(folder)):
    with Image.open(os.path.join(folder, name)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
        found.append({"name": name, "width": upright.width, "height": upright.height, "digest": hashlib.sha256(upright.tobytes()).hexdigest()})
print(json.dumps(found))
