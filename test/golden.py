"""Makes golden vectors with transformers and PEFT: logits and greedy text of base, base + adapter, merged."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import golden_gguf
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

VOCAB = 320
# The characters of the toy vocabulary: one token each, so that text and ids say the same.
FIRST_CHARACTER = 0x4E00
GREEDY_TOKENS = 64
TEXTS = [
    "Hello, it's 2026! ünï 😀  x\n\n  def f(a):\n\treturn 3.14",
    "日本語 テスト 12345 ABC'S we'll  ",
    "<|im_start|>user\nhi<|im_end|>\n",
    "a  b   c\r\n\r\nd ./path --flag=1,000.50",
]
SENTENCEPIECE_TEXTS = [
    "hello world, the model says: naïve über 日本",
    "  two  spaces and\ttab\nnewline",
    "<s>the test</s> they were",
    " ",
    "▁ odd",
]
CHAT = [
    {
        "role": "user",
        "content": "My invoice shows the wrong amount, please help today. What should I do?",
    }
]


def toy_config(family: str) -> Any:
    shape: dict[str, Any] = {
        "vocab_size": VOCAB,
        "hidden_size": 64,
        "intermediate_size": 160,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "tie_word_embeddings": family in ("llama", "qwen3"),
        "bos_token_id": None,
        "eos_token_id": None,
        "initializer_range": 0.2,
    }
    if family == "llama":
        return transformers.LlamaConfig(**shape)
    if family == "llama3":
        rope = {
            "rope_type": "llama3",
            "rope_theta": 10000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        }
        return transformers.LlamaConfig(**shape, rope_parameters=rope)
    if family == "yarn":
        rope = {
            "rope_type": "yarn",
            "rope_theta": 10000.0,
            "factor": 4.0,
            "original_max_position_embeddings": 64,
        }
        return transformers.Qwen2Config(**shape, rope_parameters=rope)
    if family == "mistral":
        return transformers.MistralConfig(**shape, head_dim=16, sliding_window=None)
    if family == "qwen2":
        return transformers.Qwen2Config(**shape)
    if family == "qwen3":
        return transformers.Qwen3Config(**shape, head_dim=32)
    raise ValueError(family)


def write_toy_tokenizer(folder: Path) -> None:
    vocab = {chr(FIRST_CHARACTER + i): i for i in range(VOCAB)}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "BPE",
            "vocab": vocab,
            "merges": [],
            "byte_fallback": False,
            "fuse_unk": False,
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"})
    )


def add_adapter(model: Any, seed: int) -> Any:
    """A LoRA on every linear layer with random, non-zero B."""
    torch.manual_seed(seed)
    peft = get_peft_model(
        model,
        LoraConfig(
            r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )
    for name, parameter in peft.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    return peft.eval()


def measure(model: Any, ids: list[int], out: Path, name: str) -> dict[str, Any]:
    with torch.no_grad():
        tokens = torch.tensor([ids])
        logits = model(tokens).logits[0].float().contiguous().numpy()
        made = model.generate(
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=GREEDY_TOKENS,
            do_sample=False,
            pad_token_id=0,
        )[0, len(ids) :].tolist()
    logits.tofile(out / f"{name}.f32")
    return {"logits": f"{name}.f32", "made": made}


def vectors(model: Any, ids: list[int], out: Path, name: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ids": ids,
        "base": measure(model, ids, out, f"{name}.base"),
    }
    peft = add_adapter(model, 11)
    peft.save_pretrained(out / f"{name}-adapter")
    result["adapter"] = measure(peft, ids, out, f"{name}.adapter")
    merged = peft.merge_and_unload()
    result["merged"] = measure(merged, ids, out, f"{name}.merged")
    merged.save_pretrained(out / f"{name}-merged")
    return result


def toy(family: str, out: Path) -> dict[str, Any]:
    torch.manual_seed(5)
    model = AutoModelForCausalLM.from_config(toy_config(family)).float().eval()
    for name, parameter in model.named_parameters():
        # Biases and norms start at 0 and 1: random ones prove that they are applied.
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.5)
        elif "norm" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    model.save_pretrained(
        out / family, max_shard_size="100KB" if family == "qwen2" else "5GB"
    )
    write_toy_tokenizer(out / family)
    if family == "llama3":
        vocabulary = {chr(FIRST_CHARACTER + i): i for i in range(VOCAB)}
        factors = golden_gguf.rope_factors(
            model.config.rope_parameters, model.config.head_dim
        )
        golden_gguf.write_model(
            out / "llama3.gguf",
            model,
            lambda writer: golden_gguf.add_characters(writer, vocabulary),
            factors,
        )
    result = vectors(model, torch.randint(0, VOCAB, (150,)).tolist(), out, family)
    write_toy_tokenizer(out / f"{family}-merged")
    for part in ("base", "adapter", "merged"):
        result[part]["text"] = "".join(
            chr(FIRST_CHARACTER + i) for i in result[part]["made"]
        )
    return result


def sentencepiece(out: Path) -> list[dict[str, Any]]:
    """A GGUF with a SentencePiece tokenizer, and the ids that transformers reads with it."""
    pieces = golden_gguf.sentencepiece_vocabulary(420)
    config = toy_config("llama")
    config.vocab_size = len(pieces)
    model = AutoModelForCausalLM.from_config(config).float().eval()
    path = out / "sentencepiece.gguf"
    golden_gguf.write_model(
        path, model, lambda writer: golden_gguf.add_sentencepiece(writer, pieces), None
    )
    return golden_gguf.read_back(path, [*TEXTS, *SENTENCEPIECE_TEXTS])


def smollm(gguf: Path, out: Path) -> dict[str, Any]:
    quantised = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    config = quantised.config
    if hasattr(config, "quantization_config"):
        delattr(config, "quantization_config")
    model = LlamaForCausalLM(config).float().eval()
    model.load_state_dict(quantised.state_dict())
    model.tie_weights()
    model.generation_config.eos_token_id = 2
    config.eos_token_id = 2
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer.eos_token = "<|im_end|>"
    folder = out / "smollm"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    ids = tokenizer.apply_chat_template(
        CHAT, add_generation_prompt=True, tokenize=False
    )
    ids = tokenizer(ids, add_special_tokens=False)["input_ids"]
    result = vectors(model, ids, out, "smollm")
    tokenizer.save_pretrained(out / "smollm-merged")
    for part in ("base", "adapter", "merged"):
        result[part]["text"] = tokenizer.decode(
            result[part]["made"], skip_special_tokens=True
        )
    result["chat"] = CHAT
    result["texts"] = [
        {"text": text, "ids": tokenizer(text, add_special_tokens=False)["input_ids"]}
        for text in TEXTS
    ]
    return result


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    result = {
        family: toy(family, out)
        for family in ("llama", "llama3", "yarn", "mistral", "qwen2", "qwen3")
    }
    (out / "sentencepiece.json").write_text(json.dumps(sentencepiece(out)))
    if len(sys.argv) > 2:
        result["smollm"] = smollm(Path(sys.argv[2]), out)
    (out / "golden.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
