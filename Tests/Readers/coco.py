"""Reads a COCO export with pycocotools and Pillow; prints what it found as JSON. Arguments: folder, layouts file or -."""

import contextlib
import io
import json
import os
import sys

from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

folder = sys.argv[1]
path = os.path.join(folder, "annotations.json")
with contextlib.redirect_stdout(io.StringIO()):
    coco = COCO(path)
with open(path) as file:
    data = json.load(file)

images, annotations, categories = data["images"], data["annotations"], data["categories"]
generated = {image["id"]: image for image in images if "source_image_id" in image}


def require(condition, message):
    if not condition:
        sys.exit(message)


require(len(coco.imgs) == len(images), "image ids repeat")
require(len(coco.anns) == len(annotations), "annotation ids repeat")
require(min(a["id"] for a in annotations if a["image_id"] in generated) >= 1, "a generated id is below 1")
require(len({image["file_name"] for image in images if "file_name" in image}) == sum("file_name" in image for image in images), "names repeat")
known = set(coco.getCatIds())
mine = [annotation for annotation in annotations if annotation["image_id"] in generated]
for annotation in mine:
    image = generated[annotation["image_id"]]
    x, y, width, height = annotation["bbox"]
    require(annotation["category_id"] in known, f"category of {annotation}")
    require(x >= 0 and y >= 0 and width > 0 and height > 0, f"box of {annotation}")
    require(x + width <= image["width"] and y + height <= image["height"], f"box outside its frame: {annotation}")
    require(abs(annotation["area"] - width * height) < 1e-6, f"area of {annotation}")
    require(annotation["iscrowd"] == 0, f"crowd {annotation}")
    require(coco.annToMask(annotation).shape == (image["height"], image["width"]), f"mask of {annotation}")
for image in generated.values():
    with Image.open(os.path.join(folder, "images", image["file_name"])) as picture:
        picture.load()
        require(picture.size == (image["width"], image["height"]), f"size of {image}")
        require(picture.mode == "RGB", f"mode of {image}")

# The ground truth as its own detections scores 1 wherever there is something to find.
results = [
    {"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": 1.0} for a in mine
]
with contextlib.redirect_stdout(io.StringIO()):
    evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
    evaluation.params.imgIds = sorted(generated)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()

json.dump(
    {
        "images": len(images),
        "generated": len(generated),
        "annotations": len(annotations),
        "generatedAnnotations": len(mine),
        "categories": [[category["id"], category["name"]] for category in categories],
        "crowds": sum(annotation.get("iscrowd", 0) for annotation in annotations),
        "firstGeneratedImage": min(generated),
        "firstGeneratedAnnotation": min(annotation["id"] for annotation in mine),
        "averagePrecision": float(evaluation.stats[0]),
        "objects": sorted([generated[a["image_id"]]["source_image_id"], a["source_annotation_id"]] for a in mine),
        "files": sorted(os.listdir(os.path.join(folder, "images"))),
        "realNames": [image.get("file_name", "") for image in images if image["id"] not in generated],
        "supercategories": [category.get("supercategory") or "" for category in categories],
    },
    sys.stdout,
)
