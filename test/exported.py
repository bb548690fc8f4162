"""The outside world's side of test/exported.test.ts: adapters made by PEFT, and exported folders read by transformers.

exported.py adapters FOLDER NAME=BASE ...     a random LoRA for each base, at FOLDER/NAME-adapter
exported.py check < [{base, customized, complete}, ...]     prints what transformers and PEFT make of the folders
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from espalier_trainer import base_model
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = ["Hello, it's 2026! ünï 😀  x\n\n  def f(a):\n\treturn 3.14", "日本語 12345", "<|im_start|>user\nhi<|im_end|>\n"]
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "My invoice is wrong, please help today."},
    {"role": "assistant", "content": "Which one?"},
    {"role": "user", "content": "The last."},
]


def adapters(folder: Path, wanted: dict[str, Path]) -> None:
    for name, base in wanted.items():
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        torch.manual_seed(5)
        lora = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
        peft = get_peft_model(model, lora)
        for key, parameter in peft.named_parameters():
            if "lora_B" in key:
                torch.nn.init.normal_(parameter, std=0.02)
        peft.save_pretrained(folder / f"{name}-adapter")


def greedy(model: Any, ids: torch.Tensor) -> list[int]:
    made = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=16, pad_token_id=0
    )
    return list(made[0].tolist())


@torch.no_grad()
def check(job: dict[str, str]) -> dict[str, Any]:
    tokenizer = AutoTokenizer.from_pretrained(job["complete"], local_files_only=True)
    original = base_model.load_tokenizer(Path(job["base"]))
    text = tokenizer.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True)
    ids = torch.tensor([tokenizer(text, add_special_tokens=False).input_ids])
    base = AutoModelForCausalLM.from_pretrained(job["base"], dtype=torch.float32)
    plain = base(ids).logits
    adapted = PeftModel.from_pretrained(base, job["customized"]).eval()
    complete, told = AutoModelForCausalLM.from_pretrained(
        job["complete"], dtype=torch.float32, use_safetensors=True, output_loading_info=True
    )
    expected = adapted(ids).logits
    ends = complete.generation_config.eos_token_id
    return {
        "difference": float((complete.eval()(ids).logits - expected).abs().max()),
        "adapterChanges": float((plain - expected).abs().max()),
        "sameGreedy": greedy(complete, ids) == greedy(adapted, ids),
        "missing": sorted(told["missing_keys"]) + sorted(told["unexpected_keys"]),
        "sameIds": all(
            tokenizer(one, add_special_tokens=False).input_ids == original(one, add_special_tokens=False).input_ids
            for one in TEXTS
        ),
        "roundTrip": [tokenizer.decode(tokenizer(one, add_special_tokens=False).input_ids) for one in TEXTS] == TEXTS,
        "sameChat": text == original.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True),
        "endsReplies": tokenizer.eos_token_id in (ends if isinstance(ends, list) else [ends]),
        "dtype": str(complete.dtype),
    }


if __name__ == "__main__":
    if sys.argv[1] == "adapters":
        pairs = (pair.split("=", 1) for pair in sys.argv[3:])
        adapters(Path(sys.argv[2]), {name: Path(base) for name, base in pairs})
    else:
        print(json.dumps([check(job) for job in json.load(sys.stdin)]))
