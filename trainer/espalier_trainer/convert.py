"""python -m espalier_trainer.convert FOLDER FILE OUT: a GGUF file as an fp32 HF folder; a failure as JSON, exit 1."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import gguf
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from .errors import as_trainer_error


def convert(folder: Path, name: str, out: Path) -> None:
    """Writes weights, config and tokenizer to `out`."""
    read_once()
    quantised = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32, local_files_only=True)
    config = quantised.config
    # transformers marks the model as quantised and then refuses to save it, though its weights are fp32 now.
    if hasattr(config, "quantization_config"):
        delattr(config, "quantization_config")
    plain = type(quantised)(config)
    plain.load_state_dict(quantised.state_dict())
    plain.tie_weights()
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name, local_files_only=True)
    mend_special_tokens(tokenizer, folder / name)
    plain.save_pretrained(out)
    tokenizer.save_pretrained(out)


def read_once() -> None:
    """Keeps what transformers reads from the file five times, and the names that it looks up for each module."""
    # Seconds each: the reader makes an array of each of the tokenizer's words and merges.
    gguf.GGUFReader = functools.cache(gguf.GGUFReader)
    gguf.get_tensor_name_map = functools.cache(gguf.get_tensor_name_map)


def mend_special_tokens(tokenizer: Any, gguf_file: Path) -> None:
    """Sets the end token that the GGUF itself names: transformers 5 can read another one from the file."""
    field = gguf.GGUFReader(str(gguf_file)).fields.get("tokenizer.ggml.eos_token_id")
    if field is not None:
        token = tokenizer.convert_ids_to_tokens(int(field.contents()))
        if token is not None:
            tokenizer.eos_token = token
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token


if __name__ == "__main__":
    transformers_logging.disable_progress_bar()
    try:
        convert(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
    except Exception as error:  # noqa: BLE001 - whatever it is, the trainer tells it
        known = as_trainer_error(error)
        if known.code == "TRAINER_FAILED":
            known.code, known.hint = "BAD_BASE_MODEL", "Import it again; it needs one .gguf file of a known kind."
        print(json.dumps({"code": known.code, "message": known.message, "hint": known.hint}))
        sys.exit(1)
