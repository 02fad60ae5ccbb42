"""Decodes every sample of a WebDataset URL; prints what it found as JSON. Argument: the URL with braces."""

import json
import sys

import webdataset

samples = []
for sample in webdataset.WebDataset(sys.argv[1], shardshuffle=False).decode("rgb8"):
    image, record = sample["png"], sample["json"]
    if image.shape != (record["height"], record["width"], 3):
        sys.exit(f"{sample['__key__']}: expected {record['height']}x{record['width']}x3, found {image.shape}")
    for item in record["objects"]:
        x, y, width, height = item["bbox"]
        if x < 0 or y < 0 or x + width > record["width"] or y + height > record["height"]:
            sys.exit(f"{sample['__key__']}: box outside its frame: {item}")
    samples.append([sample["__key__"], len(record["objects"])])
json.dump({"samples": samples}, sys.stdout)
