"""What this machine is and can train on, as hello says it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
from pathlib import Path

import psutil
import torch

from . import contract
from .contract import Json

PACKAGES = ("torch", "transformers", "peft", "safetensors")
# The method's module is imported when a run comes: transformers and peft take seconds to load.
METHODS = {
    "sft": (
        "Supervised fine-tuning with LoRA",
        "Teaches the base model to answer as the dataset's rows do, by training a small adapter.",
        "SftParameters",
    )
}


def cpu_count() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Memory this process may use: the machine's, or its container's where that is less."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return total


def devices() -> list[Json]:
    found: list[Json] = [
        {
            "kind": "cuda",
            "name": torch.cuda.get_device_name(index),
            "memoryBytes": int(torch.cuda.get_device_properties(index).total_memory),
        }
        for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    ]
    cpu = platform.processor() or platform.machine() or "CPU"
    return [*found, {"kind": "cpu", "name": cpu, "memoryBytes": memory_bytes()}]


def load() -> Json:
    """How busy this machine is: shares of 1 since the last call, bytes in use."""
    return {
        "cpuShare": min(1.0, psutil.cpu_percent() / 100),
        "memoryBytes": int(psutil.virtual_memory().used),
        "gpus": gpu_loads(),
    }


def gpu_loads() -> list[Json]:
    """One per GPU; none before the first use of one, which would take memory of its own just for looking."""
    if not torch.cuda.is_initialized():
        return []
    found: list[Json] = []
    for index in range(torch.cuda.device_count()):
        gpu: Json = {"memoryBytes": 0}
        # A look at the machine must never end a training; NVIDIA's management library is not everywhere.
        with contextlib.suppress(Exception):
            free, total = torch.cuda.mem_get_info(index)
            gpu["memoryBytes"] = int(total - free)
            gpu["share"] = torch.cuda.utilization(index) / 100
        found.append(gpu)
    return found


def hello(name: str) -> Json:
    """The body of POST /trainer/v1/hello."""
    return {
        "contractVersion": contract.version(),
        "name": name,
        "host": {
            "hostname": platform.node(),
            "os": platform.system().lower(),
            "arch": platform.machine(),
            "python": platform.python_version(),
            "packages": {package: importlib.metadata.version(package) for package in PACKAGES},
            "cpuCount": cpu_count(),
            "memoryBytes": memory_bytes(),
        },
        "devices": devices(),
        "methods": [
            {"name": method, "title": title, "description": text, "parameters": contract.schema_of(schema)}
            for method, (title, text, schema) in METHODS.items()
        ],
    }
