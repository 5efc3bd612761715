"""Validates each line of a file by a JSON Schema; prints what is wrong. schema.py SCHEMA FILE"""

import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for line in open(sys.argv[2]):
    for error in validator.iter_errors(json.loads(line)):
        print(error.message, line)
