"""Every parameter of the form does what it says, and every live number is the one that torch computes."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load
from transformers import AutoModelForCausalLM

from espalier_trainer import contract
from espalier_trainer.methods import sft
from espalier_trainer.rows import Example

from .fake_server import FakeServer, Json
from .world import chat_rows, lease_of, toy_tokenizer, train_here

ROWS = chat_rows(24)
BASE: Json = {"max_steps": 6, "validation_fraction": 0.25, "eval_steps": 3, "save_steps": 2, "learning_rate": 0.01}
# Parameter: another value, what of a training it must change, and what it must leave as it is.
HONOURED: dict[str, tuple[Any, str, str]] = {
    "max_steps": (4, "steps", "first_loss"),
    "num_train_epochs": (2, "steps", "first_loss"),
    "learning_rate": (0.02, "rates", "first_loss"),
    "per_device_train_batch_size": (2, "first_loss", "shapes"),
    "max_length": (26, "trained_tokens", "shapes"),
    "r": (3, "shapes", "rates"),
    "lora_alpha": (64, "last_loss", "shapes"),
    "lora_dropout": (0.5, "last_loss", "shapes"),
    "target_modules": (["q_proj"], "shapes", "rates"),
    "gradient_accumulation_steps": (2, "first_loss", "shapes"),
    "lr_scheduler_type": ("cosine", "rates", "first_loss"),
    "warmup_steps": (2, "rates", "first_loss"),
    "weight_decay": (0.5, "weights", "rates"),
    "max_grad_norm": (1e-9, "weights", "first_norm"),
    "validation_fraction": (0.5, "validation_rows", "rates"),
    "eval_steps": (2, "eval_steps", "weights"),
    "save_steps": (3, "checkpoints", "weights"),
    "logging_steps": (2, "logged", "weights"),
    "seed": (7, "weights", "shapes"),
    "dtype": ("bf16", "first_loss", "shapes"),
}


def trained(server: FakeServer, base: Path, tmp: Path, name: str, parameters: Json) -> Json:
    """What can be seen of a training from outside."""
    finish = train_here(server, lease_of(server, name, base, ROWS, parameters, tmp), tmp / "work")
    assert finish["status"] == "succeeded", finish
    weights = server.artifacts[name]["adapter_model.safetensors"]
    losses = server.metrics(name, "loss")
    return {
        "steps": finish["result"]["steps"],
        "trained_tokens": finish["result"]["trainedTokens"],
        "validation_rows": finish["result"]["validationRows"],
        "first_loss": losses[min(losses)],
        "last_loss": losses[max(losses)],
        "logged": list(losses),
        "rates": list(server.metrics(name, "learningRate").values()),
        "first_norm": server.metrics(name, "gradNorm")[min(losses)],
        "eval_steps": list(server.metrics(name, "evalLoss")),
        "checkpoints": [event["step"] for event in server.all_events(name) if event["type"] == "checkpoint"],
        "shapes": {key: tuple(value.shape) for key, value in load(weights).items()},
        "weights": hashlib.sha256(weights).hexdigest(),
    }


def test_no_parameter_is_without_a_case() -> None:
    assert set(HONOURED) == set(contract.schema_of("SftParameters")["properties"])


@pytest.fixture(scope="module")
def before(toy_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Json:
    server = FakeServer()
    seen = trained(server, toy_base, tmp_path_factory.mktemp("before"), "run_before", BASE)
    server.close()
    return seen


@pytest.mark.parametrize("name", HONOURED)
def test_it_is_honoured(name: str, before: Json, server: FakeServer, toy_base: Path, tmp_path: Path) -> None:
    value, changed, same = HONOURED[name]
    # Epochs count where no number of steps is said; one of them has five steps.
    base = BASE | ({"max_steps": -1} if name == "num_train_epochs" else {})
    after = trained(server, toy_base, tmp_path, "run_after", base | {name: value})
    assert after[changed] != before[changed]
    assert after[same] == before[same]


def test_the_defaults_are_those_of_the_contract(server: FakeServer, toy_base: Path, tmp_path: Path) -> None:
    finish = train_here(server, lease_of(server, "run_d", toy_base, ROWS, {}, tmp_path), tmp_path / "work")
    declared = contract.schema_of("SftParameters")["properties"]
    assert finish["result"]["parameters"] == {name: schema["default"] for name, schema in declared.items()}
    assert finish["result"]["steps"] == math.ceil(23 / 4)


def examples_of(parameters: Json) -> tuple[list[Example], list[Example], Json]:
    """Training and validation rows as the trainer splits them, and all its parameters."""
    p = contract.with_defaults("SftParameters", parameters)

    class Quiet:
        def check(self) -> None:
            return

    quiet: Any = Quiet()
    train_set, validation_set, _ = sft.make_examples(quiet, ROWS, toy_tokenizer(), p)
    return train_set, validation_set, p


def mean_loss(model: Any, examples: list[Example]) -> torch.Tensor:
    """Loss per trained token by transformers' own loss, row by row."""
    total, tokens = torch.zeros(()), 0
    for example in examples:
        loss = model(input_ids=torch.tensor([example.ids]), labels=torch.tensor([example.labels])).loss
        total = total + loss * example.trained
        tokens += example.trained
    return total / tokens


def test_loss_and_gradient_norm_are_those_of_torch(server: FakeServer, toy_base: Path, tmp_path: Path) -> None:
    parameters = BASE | {"max_steps": 1, "eval_steps": 1, "learning_rate": 0.0, "max_grad_norm": 0.01}
    trained(server, toy_base, tmp_path, "run_n", parameters)
    train_set, validation_set, p = examples_of(parameters)
    torch.manual_seed(p["seed"])
    model = sft.add_adapter(AutoModelForCausalLM.from_pretrained(toy_base), p, "toy-base")
    (batch,) = sft.Plan.of(len(train_set), p).batches(0, p)
    loss = mean_loss(model, [train_set[index] for index in batch])
    loss.backward()
    squares = sum(float((w.grad**2).sum()) for w in model.parameters() if w.grad is not None)
    assert server.metrics("run_n", "loss")[1] == pytest.approx(loss.item(), rel=1e-5)
    # As long as the gradient is before it is clipped to 0.01.
    assert server.metrics("run_n", "gradNorm")[1] == pytest.approx(math.sqrt(squares), rel=1e-4)
    assert math.sqrt(squares) > 0.01
    with torch.no_grad():
        assert server.metrics("run_n", "evalLoss")[1] == pytest.approx(
            mean_loss(model, validation_set).item(), rel=1e-5
        )


def test_speed_memory_and_eta(server: FakeServer, toy_base: Path, tmp_path: Path) -> None:
    parameters = {"max_steps": 120, "logging_steps": 40, "eval_steps": 0, "save_steps": 0, "validation_fraction": 0}
    trained(server, toy_base, tmp_path, "run_m", parameters)
    train_set, _, p = examples_of(parameters)
    plan = sft.Plan.of(len(train_set), p)
    points = {e["step"]: e for e in server.all_events("run_m") if e["type"] == "metrics" and "loss" in e}
    for first, last in ((40, 80), (80, 120)):
        seconds = (points[last]["at"] - points[first]["at"]) / 1000
        batches = [batch for step in range(first, last) for batch in plan.batches(step, p)]
        tokens = sum(len(train_set[index].ids) for batch in batches for index in batch)
        assert points[last]["tokensPerSecond"] == pytest.approx(tokens / seconds, rel=0.2)
        left = (points[120]["at"] - points[last]["at"]) / 1000
        # A mean of recent steps: on a busy machine it may be off, but not by its order.
        assert left / 5 <= points[last]["etaSeconds"] <= 5 * left + 0.001
    assert points[120]["etaSeconds"] == 0
    resident = psutil.Process().memory_info().rss
    assert 0.5 * resident < points[120]["memoryBytes"] < 1.5 * resident
    assert json.dumps(points[40]["epoch"]) == json.dumps(round(40 / plan.steps_per_epoch, 4))
