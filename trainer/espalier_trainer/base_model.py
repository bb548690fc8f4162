"""Loads a base model and its tokenizer from an HF folder, or from a GGUF file by way of a cached HF folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from .errors import TrainerError, as_trainer_error
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
    except TrainerError:
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
    quantised = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32, local_files_only=True)
    config = quantised.config
    # transformers marks the model as quantised and then refuses to save it, though its weights are fp32 now.
    if hasattr(config, "quantization_config"):
        delattr(config, "quantization_config")
    plain = type(quantised)(config)
    plain.load_state_dict(quantised.state_dict())
    plain.tie_weights()
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name, local_files_only=True)
    mend_special_tokens(tokenizer, files[0])
    temporary = target.with_name(target.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    plain.save_pretrained(temporary)
    tokenizer.save_pretrained(temporary)
    temporary.rename(target)
    return target


def mend_special_tokens(tokenizer: Any, gguf_file: Path) -> None:
    """Sets the end token that the GGUF itself names: transformers 5 can read another one from the file."""
    from gguf import GGUFReader

    field = GGUFReader(str(gguf_file)).fields.get("tokenizer.ggml.eos_token_id")
    if field is not None:
        token = tokenizer.convert_ids_to_tokens(int(field.contents()))
        if token is not None:
            tokenizer.eos_token = token
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
