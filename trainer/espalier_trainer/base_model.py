"""Loads a base model and its tokenizer from an HF folder, or from a GGUF file by way of a cached HF folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from .errors import Ended, TrainerError, as_trainer_error
from .session import Session

# Raise it when the conversion changes, so that folders of an older one are not used.
CONVERSION = "1"
# Progress is told by events; bars would only fill the log.
transformers_logging.disable_progress_bar()


def load_base(
    session: Session, folder: Path, key: str, file_format: str, dtype: torch.dtype, work: Path
) -> tuple[Any, Any]:
    """Returns (model, tokenizer). `key` names the files' content; raises BAD_BASE_MODEL when they do not load."""
    try:
        if file_format == "gguf":
            folder = converted_gguf(session, folder, key, work)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
        tokenizer = load_tokenizer(folder)
    except (TrainerError, Ended):
        raise
    except Exception as error:
        known = as_trainer_error(error)
        if known.code != "TRAINER_FAILED":
            raise known from error
        raise TrainerError(
            "BAD_BASE_MODEL",
            f"the base model does not load: {known.message}",
            "Import it again; it needs config.json, safetensors and tokenizer.json, or one .gguf file of a known kind.",
        ) from error
    return model, tokenizer


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer as tokenizer.json says it, which is what the engine runs.

    Not AutoTokenizer: its classes for an architecture (Qwen2Tokenizer) put rules of their own in place of the file's.
    """
    return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def converted_gguf(session: Session, folder: Path, key: str, work: Path) -> Path:
    """An fp32 HF folder made once from the only .gguf file in `folder` (24 s for 135 million parameters)."""
    target = work / "converted" / f"{key}-{CONVERSION}"
    if target.is_dir():
        return target
    files = sorted(folder.rglob("*.gguf"))
    if len(files) != 1:
        raise TrainerError(
            "BAD_BASE_MODEL",
            f"the base model has {len(files)} .gguf files, not one",
            "Import a single .gguf file.",
        )
    name = str(files[0].relative_to(folder))
    session.state("loading", f"converting {name} to fp32; the next training of this base skips this")
    temporary = target.with_name(target.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    _apart(session, folder, name, temporary)
    temporary.rename(target)
    return target


def _apart(session: Session, folder: Path, name: str, out: Path) -> None:
    """Converts in a process of its own: one call that lasts half a minute could not be cancelled, a process can."""
    command = [sys.executable, "-m", "espalier_trainer.convert", str(folder), name, str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            while process.poll() is None:
                session.check()
                time.sleep(0.1)
        finally:
            process.kill()
        said = process.stdout.read() if process.stdout else ""
    if process.returncode != 0:
        problem = json.loads(said) if said else {}
        raise TrainerError(
            problem.get("code", "BAD_BASE_MODEL"),
            problem.get("message", f"the conversion of {name} ended with {process.returncode}"),
            problem.get("hint", "Import the base model again."),
        )
