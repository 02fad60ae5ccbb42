"""Makes YOLO labels of a COCO export the way YOLO's converters do; prints what it made as JSON. Argument: folder.

As ultralytics.data.converter.convert_coco does (8.4), every file with the ending .json in the folder is taken for annotations,
and labels are written to labels/<name of that file>/<file_name>.txt without making further folders.
"""

import json
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

folder = Path(sys.argv[1])
labels = {}
with tempfile.TemporaryDirectory() as made:
    for path in sorted(folder.glob("*.json")):
        target = Path(made) / "labels" / path.stem
        target.mkdir(parents=True)
        data = json.loads(path.read_text())
        images = {image["id"]: image for image in data["images"]}
        by_image = defaultdict(list)
        for annotation in data["annotations"]:
            by_image[annotation["image_id"]].append(annotation)
        for identifier, annotations in by_image.items():
            image = images[identifier]
            with open((target / image["file_name"]).with_suffix(".txt"), "a") as file:
                for annotation in annotations:
                    x, y, width, height = annotation["bbox"]
                    numbers = ((x + width / 2) / image["width"], (y + height / 2) / image["height"],
                               width / image["width"], height / image["height"])
                    assert all(0 <= number <= 1 for number in numbers), annotation
                    file.write(f"{annotation['category_id'] - 1} {' '.join(map(str, numbers))}\n")
        labels.update({file.stem: len(file.read_text().splitlines()) for file in target.iterdir()})

pictures = {Path(name).stem for name in os.listdir(folder / "images")}
json.dump({"labels": labels, "pictures": sorted(pictures)}, sys.stdout)
