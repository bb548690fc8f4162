"""The loss of a batch is the sum of its rows' losses, also where they share their beginning."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config
from transformers.models.auto.modeling_auto import AutoModelForCausalLM

from espalier_trainer.loss import shared_tokens, summed_loss
from espalier_trainer.rows import IGNORED, Example

CPU = torch.device("cpu")
SHAPE: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.3,
}


def row(ids: list[int], trained: int) -> Example:
    """Its last tokens count for the loss."""
    return Example(ids, [IGNORED] * (len(ids) - trained) + ids[len(ids) - trained :])


PREFIX = list(range(1, 21))
SHARING = [
    row([*PREFIX, 30, 31, 32], 2),
    row([*PREFIX, 33, 34, 35, 36, 37, 38], 3),
    row([*PREFIX, 30, 39], 1),
]
UNALIKE = [row([3, 4, 5, 6], 2), row([9, 8, 7, 6, 5, 4, 3, 2], 5)]
# The first row learns a token that follows the beginning at once, which each row asks of the same position.
AT_ONCE = [row([*PREFIX, 30, 31], 2), row([*PREFIX, 33], 1)]


def alone(model: Any, example: Example) -> torch.Tensor:
    ids, labels = torch.tensor([example.ids]), torch.tensor([example.labels])
    return model(input_ids=ids, labels=labels).loss * example.trained


def gradients(model: Any, loss: torch.Tensor) -> list[torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return [value.grad.clone() for value in model.parameters() if value.grad is not None]


@pytest.mark.parametrize("config", [LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config])
@pytest.mark.parametrize("batch", [SHARING, UNALIKE, AT_ONCE, SHARING[:1]])
def test_loss_and_gradients_are_the_rows_own(config: Any, batch: list[Example]) -> None:
    torch.manual_seed(5)
    model = AutoModelForCausalLM.from_config(config(**SHAPE)).train()
    together = summed_loss(model, batch, 0, CPU)
    apart = torch.stack([alone(model, example) for example in batch]).sum()
    assert together.item() == pytest.approx(apart.item(), abs=1e-4)
    for one, other in zip(gradients(model, together), gradients(model, apart), strict=True):
        assert torch.allclose(one, other, atol=1e-4, rtol=1e-4)


def test_a_shared_beginning_ends_before_the_first_learned_token() -> None:
    assert shared_tokens(SHARING) == len(PREFIX)
    assert shared_tokens(AT_ONCE) == len(PREFIX) - 1
    assert shared_tokens(UNALIKE) == 0
    assert shared_tokens(SHARING[:1]) == len(PREFIX)
    assert shared_tokens([row([1, 2], 2), row([1, 3], 2)]) == 0


def test_what_is_shared_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = AutoModelForCausalLM.from_config(LlamaConfig(**SHAPE))
    seen: list[tuple[int, ...]] = []
    forward = model.forward

    def counted(**given: Any) -> Any:
        seen.append(tuple(given["input_ids"].shape))
        return forward(**given)

    monkeypatch.setattr(model, "forward", counted)
    summed_loss(model, SHARING, 0, CPU)
    assert seen == [(1, len(PREFIX)), (3, 6)]
    seen.clear()
    summed_loss(model, UNALIKE, 0, CPU)
    assert seen == [(2, 8)]
