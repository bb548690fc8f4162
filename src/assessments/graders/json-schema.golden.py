"""What jsonschema says to the cases of json-schema.golden.test.ts: JSON from stdin, JSON to stdout."""

import json
import sys

from jsonschema import Draft202012Validator


def allows(schema: object, value: object) -> bool:
    return bool(Draft202012Validator(schema).is_valid(value))


def is_schema(schema: object) -> bool:
    return bool(Draft202012Validator(Draft202012Validator.META_SCHEMA).is_valid(schema))


asked = json.load(sys.stdin)
said = {
    "allowed": [allows(schema, value) for schema, value in asked["cases"]],
    "schemas": [is_schema(schema) for schema in asked["schemas"]],
}
json.dump(said, sys.stdout)
