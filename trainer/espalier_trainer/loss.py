"""The loss of a batch of rows, by as little arithmetic as the same sum allows."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from .rows import IGNORED, Example

# Tokens of a batch that a shared beginning must save; with fewer, a second pass costs more than it spares.
WORTH_SHARING = 0.25


def summed_loss(model: Any, batch: list[Example], pad_id: int, device: torch.device) -> torch.Tensor:
    """Sum of the loss over the trained tokens of a batch, padded on the right to its longest row.

    What all rows begin with (a system prompt, as a rule) runs once: its keys and values serve every row, and its
    gradient is the sum of theirs, as if each row had run it.
    """
    shared = shared_tokens(batch)
    length = max(len(example.ids) for example in batch)
    if shared * (len(batch) - 1) < WORTH_SHARING * length * len(batch):
        shared = 0
    ids = torch.full((len(batch), length), pad_id)
    mask = torch.zeros((len(batch), length), dtype=torch.long)
    labels = torch.full((len(batch), length), IGNORED)
    for row, example in enumerate(batch):
        size = len(example.ids)
        ids[row, :size] = torch.tensor(example.ids)
        mask[row, :size] = 1
        labels[row, : size - 1] = torch.tensor(example.labels[1:])  # each position is asked for the next token
    ids, mask, labels = ids.to(device), mask.to(device), labels[:, shared:].to(device)
    cache = None
    if shared:
        cache = model(input_ids=ids[:1, :shared], logits_to_keep=1, use_cache=True).past_key_values
        cache.batch_repeat_interleave(len(batch))
    # The vocabulary's logits are the dearest part: compute them only where some row has a token to learn.
    columns = (labels != IGNORED).any(dim=0).nonzero().squeeze(1)
    logits = model(
        input_ids=ids[:, shared:],
        attention_mask=mask,
        past_key_values=cache,
        logits_to_keep=columns,
        use_cache=cache is not None,
    ).logits
    wanted = labels[:, columns]
    kept = wanted != IGNORED
    return F.cross_entropy(logits[kept].float(), wanted[kept], reduction="sum")


def shared_tokens(batch: list[Example]) -> int:
    """How many tokens all rows begin with, before the position from which any row learns its first token."""
    most = min(
        next((at for at, label in enumerate(example.labels) if at > 0 and label != IGNORED), len(example.ids)) - 1
        for example in batch
    )
    first = batch[0].ids
    return next((at for at in range(most) if any(example.ids[at] != first[at] for example in batch)), max(0, most))
