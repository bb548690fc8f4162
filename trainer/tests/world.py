"""Named fixtures: a random two-layer Llama with a byte tokenizer, datasets, leases, and trainers to run them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from espalier_trainer.client import Client
from espalier_trainer.worker import perform

from .fake_server import TOKEN, FakeServer, Json

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def toy_tokenizer() -> Any:
    """Every byte is a token; ChatML around it."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: index for index, token in enumerate([*SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", bos_token="<|im_start|>", pad_token="<|endoftext|>"
    )
    fast.add_special_tokens({"additional_special_tokens": SPECIAL})
    fast.chat_template = TEMPLATE
    return fast


def make_toy_base(folder: Path) -> Path:
    """A two-layer Llama of 32 dimensions with random weights, saved as an HF folder."""
    torch.manual_seed(7)
    tokenizer = toy_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.3,  # the usual 0.02 leaves so small a frozen head no room to learn
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def chat_rows(count: int) -> list[Json]:
    return [
        {"messages": [{"role": "user", "content": f"say {i % 7}"}, {"role": "assistant", "content": "abc"[i % 3] * 4}]}
        for i in range(count)
    ]


def file_entry(server: FakeServer, role: str, name: str, path: Path, local: bool) -> Json:
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    server.blobs[sha256] = path
    entry = {"role": role, "name": name, "sha256": sha256, "sizeBytes": len(data)}
    entry["url"] = f"/trainer/v1/blobs/{sha256}"
    return {**entry, "path": str(path)} if local else entry


def lease_of(
    server: FakeServer,
    run: str,
    base: Path,
    rows: list[Json] | bytes,
    parameters: Json,
    tmp: Path,
    *,
    attempt: int = 1,
    method: str = "sft",
    file_format: str = "hf",
    local: bool = True,
) -> Json:
    """A lease as the server would give it; goes on from the newest checkpoint that the server holds."""
    data = rows if isinstance(rows, bytes) else "".join(json.dumps(row) + "\n" for row in rows).encode()
    dataset = tmp / f"{run}.jsonl"
    dataset.write_bytes(data)
    entries = [file_entry(server, "base", str(f.relative_to(base)), f, local) for f in sorted(base.iterdir())]
    entries.append(file_entry(server, "dataset", "rows.jsonl", dataset, local))
    spec = {
        "method": method,
        "model": {"name": "toy-adapter"},
        "base": {"name": "toy-base", "format": file_format},
        "dataset": {"name": "toy-rows", "version": 1},
        "parameters": parameters,
        "save": False,
    }
    lease: Json = {"run": {"id": run, "attempt": attempt, "kind": "train", "spec": spec}}
    last = server.last_checkpoint(run)
    if last is not None:
        lease["run"]["resumeFrom"] = {
            "artifactSha256": last["sha256"],
            "sizeBytes": last["sizeBytes"],
            "step": last["step"],
        }
    return {**lease, "leaseMs": server.lease_ms, "files": entries}


def train_here(server: FakeServer, lease: Json, work: Path) -> Json:
    """Performs a lease in this process; returns the finish message."""
    run = lease["run"]
    server.attempt[run["id"]] = run["attempt"]
    client = Client(server.url, TOKEN, threading.Event(), give_up_s=10)
    try:
        perform(client, lease, 200, work)
    finally:
        client.close()
    return server.wait_finished(run["id"], 1)


def start_trainer(server: FakeServer, work: Path, *more: str, token: str = TOKEN) -> subprocess.Popen[str]:
    """Starts the real trainer as its own process."""
    command = [sys.executable, "-m", "espalier_trainer", "--url", server.url, "--token", token, "--name", "t1"]
    return subprocess.Popen(
        [*command, "--work", str(work), *more],
        cwd=Path(__file__).resolve().parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
