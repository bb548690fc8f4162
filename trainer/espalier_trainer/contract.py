"""Checks each message against schema/trainer.json, the one contract that server and trainer share."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema

Json = dict[str, Any]


class ContractError(Exception):
    """A message does not have the shape that the contract gives it."""


@functools.cache
def document() -> Json:
    """The contract, read from schema/ beside the trainer's folder (or from the folder itself)."""
    trainer_dir = Path(__file__).resolve().parent.parent
    for place in (trainer_dir.parent / "schema" / "trainer.json", trainer_dir / "trainer.json"):
        if place.is_file():
            loaded: Json = json.loads(place.read_text(encoding="utf-8"))
            return loaded
    raise FileNotFoundError(f"schema/trainer.json is neither in {trainer_dir.parent}/schema nor in {trainer_dir}")


def version() -> str:
    """The contract version that this trainer speaks."""
    return str(document()["contractVersion"])


def schema_of(name: str) -> Json:
    """JSON Schema of one message, such as "LeaseResponse"."""
    schema: Json = document()["$defs"][name]
    return schema


@functools.cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema_of(name))


def problems(name: str, message: object, limit: int = 3) -> list[str]:
    """What is wrong with a message, as "field: reason"; empty when it keeps to the contract."""
    found = sorted(_validator(name).iter_errors(message), key=lambda e: list(map(str, e.absolute_path)))
    return [f"{'.'.join(map(str, error.absolute_path)) or 'message'}: {error.message[:300]}" for error in found[:limit]]


def check(name: str, message: object) -> Json:
    """Returns the message when it keeps to the contract; raises ContractError naming the fields if not."""
    wrong = problems(name, message)
    if wrong:
        raise ContractError(f"{name} breaks the contract {version()}: {'; '.join(wrong)}")
    assert isinstance(message, dict)
    return message


def with_defaults(name: str, values: Json) -> Json:
    """A parameter object with the schema's defaults filled in, in the schema's order."""
    properties: Json = schema_of(name)["properties"]
    return {key: values.get(key, declared.get("default")) for key, declared in properties.items()}
