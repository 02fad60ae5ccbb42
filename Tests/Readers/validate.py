"""Validates JSON values against a schema; prints one line per violation. Arguments: schema, file of JSON lines or a tar."""

import json
import sys
import tarfile

from jsonschema import Draft202012Validator

with open(sys.argv[1]) as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)


def texts(path):
    if not path.endswith(".tar"):
        with open(path, "rb") as file:
            yield from enumerate(file.read().splitlines())
        return
    with tarfile.open(path) as tar:
        for member in tar:
            if member.name.endswith(".json"):
                yield member.name, tar.extractfile(member).read()


count = 0
for place, text in texts(sys.argv[2]):
    count += 1
    for violation in validator.iter_errors(json.loads(text)):
        print(f"{place}: {violation.json_path}: {violation.message}")
if count == 0:
    print("no value to validate")
