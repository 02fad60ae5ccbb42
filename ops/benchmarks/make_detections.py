"""Writes a ground truth of val2017's size and detections for it, from a seed: truth.json and found.json in a folder.

make_detections.py FOLDER IMAGES    5,000 images: 36,800 objects of 80 categories, 460,000 detections, as a detector
                                    that keeps its 100 surest boxes gives them"""
import json
import os
import random
import sys

folder, images = sys.argv[1], int(sys.argv[2])
draw = random.Random(20261130)
os.makedirs(folder, exist_ok=True)
# As in COCO, a few categories have most of the objects.
weights = [1 / (rank + 2) for rank in range(80)]
annotations, found = [], []


def box():
    side = min(620.0, draw.lognormvariate(4.0, 1.0))
    width, height = side * draw.uniform(0.5, 1.5), side * draw.uniform(0.5, 1.5)
    return [round(draw.uniform(0, max(1, 640 - width)), 2), round(draw.uniform(0, max(1, 480 - height)), 2), round(width, 2), round(height, 2)]


def near(box, share):
    x, y, width, height = box
    return [round(x + draw.gauss(0, share) * width, 2), round(y + draw.gauss(0, share) * height, 2),
            round(width * draw.uniform(1 - share, 1 + share), 2), round(height * draw.uniform(1 - share, 1 + share), 2)]


for image in range(1, images + 1):
    mine = []
    for _ in range(min(60, int(draw.expovariate(1 / 7.36) + 0.5))):
        category, place = draw.choices(range(1, 81), weights)[0], box()
        annotations.append({"id": len(annotations) + 1, "image_id": image, "category_id": category, "bbox": place,
                            "area": round(place[2] * place[3] * 0.7, 2), "iscrowd": int(draw.random() < 0.012)})
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            mine.append({"image_id": image, "category_id": category, "bbox": near(place, 0.08), "score": round(draw.betavariate(4, 2), 6)})
    while len(mine) < 92:
        mine.append({"image_id": image, "category_id": draw.choices(range(1, 81), weights)[0], "bbox": box(), "score": round(draw.betavariate(1, 8), 6)})
    found += mine[:100]
truth = {"info": {}, "images": [{"id": image, "file_name": f"{image:012}.jpg", "width": 640, "height": 480} for image in range(1, images + 1)],
         "annotations": annotations, "categories": [{"id": category, "name": f"category {category}"} for category in range(1, 81)]}
for name, value in (("truth.json", truth), ("found.json", found)):
    with open(os.path.join(folder, name), "w") as file:
        json.dump(value, file)
