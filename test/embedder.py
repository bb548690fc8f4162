"""Vectors as sentence-transformers makes them: mean over BertModel's last hidden states, then length 1."""

from __future__ import annotations

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoTokenizer, BertModel

MAX_TOKENS = 256


def main() -> None:
    folder, out = sys.argv[1:]
    texts: list[str] = json.load(sys.stdin)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertModel.from_pretrained(folder, dtype=torch.float32).eval()
    counts: list[int] = []
    rows: list[torch.Tensor] = []
    with torch.inference_mode():
        for text in texts:
            ids = tokenizer(text, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
            counts.append(len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]))
            # One text at a time: no padding, so no mask.
            mean = model(**ids).last_hidden_state[0].mean(dim=0)
            rows.append(torch.nn.functional.normalize(mean, dim=0))
    torch.stack(rows).numpy().astype("<f4").tofile(out)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
