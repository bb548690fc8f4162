"""Self test: python -m espalier_trainer.check prints the environment as JSON; exit code 1 when it cannot train."""

from __future__ import annotations

import json
import sys


def main() -> int:
    """Imports what a training needs, takes one gradient step, and prints what was found."""
    try:
        import torch

        from . import contract, machine
        from .methods import sft  # noqa: F401 - its imports are what is tested

        weight = torch.zeros(4, requires_grad=True)
        ((weight @ torch.ones(4) - 1) ** 2).backward()
        if weight.grad is None or weight.grad.tolist() != [-2.0] * 4:
            raise RuntimeError("PyTorch's gradients are wrong")
        found = machine.hello("check")
        contract.check("HelloRequest", found)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        print(
            json.dumps(
                {
                    "error": {
                        "code": "TRAINER_NOT_READY",
                        "message": f"{type(error).__name__}: {error}",
                        "hint": "Run bin/prepare-trainer again.",
                    }
                }
            )
        )
        return 1
    found["methods"] = [method["name"] for method in found["methods"]]
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
