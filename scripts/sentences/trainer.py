"""Prints every sentence that the Python trainer says to users, as a JSON list of templates with named places."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "trainer" / "espalier_trainer"
# Calls that say something, with the places of their arguments that are sentences.
SAYING = {"TrainerError": (1, 2), "_bad": (1,), "state": (1,), "log": (0,), "get": (1,)}


def hole(node: ast.expr) -> str:
    """Names a place after the expression that fills it."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        key = node.slice
        return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else hole(node.value)
    if isinstance(node, ast.Call) and node.args:
        return hole(node.args[0])
    if isinstance(node, ast.Call):
        return hole(node.func)
    if isinstance(node, ast.BinOp):
        return hole(node.left)
    return "value"


def template(node: ast.expr) -> str | None:
    """The sentence with its places; None where it is not written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    used: dict[str, int] = {}
    text = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            name = hole(part.value)
            used[name] = used.get(name, 0) + 1
            text += "{{" + name + (str(used[name]) if used[name] > 1 else "") + "}}"
        elif isinstance(part, ast.Constant):
            text += str(part.value)
    return text


def sentences() -> list[str]:
    found: set[str] = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for place in SAYING.get(name, ()):
                text = template(node.args[place]) if place < len(node.args) else None
                if text is not None and " " in text:
                    found.add(text)
    return sorted(found)


json.dump(sentences(), sys.stdout, indent=2)
print()
