"""Checkpoints of a training: one file with everything that the next step depends on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from .errors import TrainerError

FORMAT = 1


def save(file: Path, adapter: dict[str, Any], optimizer: Any, position: dict[str, Any]) -> None:
    """Writes adapter, optimizer, random states and `position` (step, epoch … plain values), all or nothing.

    The learning rate is a function of the step and the order of rows one of seed and epoch, so neither
    needs a state of its own.
    """
    temporary = file.with_name(file.name + ".tmp")
    with temporary.open("wb") as out:
        torch.save(
            {
                "format": FORMAT,
                "adapter": adapter,
                "optimizer": optimizer.state_dict(),
                "torch_rng": torch.get_rng_state(),
                "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
                "position": position,
            },
            out,
        )
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(file)


def load(file: Path, parameters: dict[str, Any], optimizer: Any) -> dict[str, Any]:
    """Restores adapter weights in place, optimizer and random states; returns the position."""
    try:
        # weights_only: a checkpoint comes over the network and must not be able to run code.
        state = torch.load(file, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT or state["adapter"].keys() != parameters.keys():
            raise ValueError("made by another version, or with other adapted layers")
        with torch.no_grad():
            for name, value in state["adapter"].items():
                parameters[name].copy_(value)
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["torch_rng"])
        if state["cuda_rng"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda_rng"][: torch.cuda.device_count()])
        position: dict[str, Any] = state["position"]
        return position
    except Exception as error:
        raise TrainerError(
            "BAD_CHECKPOINT",
            f"the checkpoint does not load: {error}",
            "Retry the training; a new run starts from its first step.",
        ) from error
