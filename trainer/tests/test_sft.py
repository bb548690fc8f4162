"""Supervised fine-tuning: each parameter is honoured, data faults have codes, results load in PEFT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from tokenizers import processors
from transformers import AutoModelForCausalLM

from espalier_trainer import contract
from espalier_trainer.errors import TrainerError
from espalier_trainer.rows import encode, render

from .fake_server import FakeServer, Json
from .world import chat_rows, lease_of, toy_tokenizer, train_here

QUICK: Json = {"max_steps": 3, "eval_steps": 0, "save_steps": 0, "validation_fraction": 0, "learning_rate": 0.01}
Trained = tuple[FakeServer, str, Json]


@pytest.fixture
def run_sft(server: FakeServer, toy_base: Path, tmp_path: Path) -> Any:
    count = 0

    def run(changes: Json, rows: list[Json] | bytes | None = None, **more: Any) -> Trained:
        nonlocal count
        count += 1
        name = f"run_{count}"
        rows = chat_rows(24) if rows is None else rows
        lease = lease_of(server, name, toy_base, rows, QUICK | changes, tmp_path, **more)
        return server, name, train_here(server, lease, tmp_path / "work")

    return run


def config_of(trained: Trained) -> Json:
    server, name, _ = trained
    config: Json = json.loads(server.artifacts[name]["adapter_config.json"])
    return config


def losses(trained: Trained) -> list[float]:
    return list(trained[0].metrics(trained[1], "loss").values())


def rates(trained: Trained) -> list[float]:
    return list(trained[0].metrics(trained[1], "learningRate").values())


def test_result_loads_in_peft_and_says_what_was_used(run_sft: Any, toy_base: Path, tmp_path: Path) -> None:
    server, name, finish = run_sft({"validation_fraction": 0.2, "eval_steps": 2, "max_steps": 4})
    assert finish["status"] == "succeeded", finish
    folder = tmp_path / "adapter"
    folder.mkdir()
    for file, data in server.artifacts[name].items():
        (folder / file).write_bytes(data)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(toy_base), str(folder))
    assert any("lora_A" in key for key in model.state_dict())
    assert config_of((server, name, finish))["base_model_name_or_path"] == "toy-base"
    spec = json.loads((folder / "spec.json").read_text())
    assert set(spec["parameters"]) == set(contract.schema_of("SftParameters")["properties"])
    assert "toy-base" in (folder / "README.md").read_text()
    assert finish["result"]["validationRows"] == 5
    assert set(server.metrics(name, "evalLoss")) == {2, 4}
    for key in ("learningRate", "gradNorm", "tokensPerSecond", "memoryBytes", "etaSeconds"):
        assert set(server.metrics(name, key)) == {1, 2, 3, 4}, key
    samples = [event for event in server.all_events(name) if event["type"] == "sample"]
    assert [sample["step"] for sample in samples] == [2, 4]
    assert samples[0]["reference"] in ("aaaa", "bbbb", "cccc")


def test_it_learns(run_sft: Any) -> None:
    trained = run_sft({"max_steps": 40, "learning_rate": 0.02, "r": 16, "lora_alpha": 32})
    assert losses(trained)[-1] < 0.5 * losses(trained)[0]


def test_same_seed_same_bytes_other_seed_others(run_sft: Any) -> None:
    first, second, third = (run_sft({"seed": seed}) for seed in (1, 1, 2))
    assert losses(first) == losses(second) != losses(third)
    weights = [trained[0].artifacts[trained[1]]["adapter_model.safetensors"] for trained in (first, second, third)]
    assert weights[0] == weights[1] != weights[2]


def test_max_steps_and_epochs(run_sft: Any) -> None:
    assert len(losses(run_sft({"max_steps": 5}))) == 5
    by_epochs = {"max_steps": -1, "num_train_epochs": 1.5, "per_device_train_batch_size": 8}
    assert len(losses(run_sft(by_epochs))) == 5  # 24 rows / 8 = 3 steps an epoch, one and a half epochs


def test_batch_size_and_accumulation(run_sft: Any) -> None:
    one = run_sft({"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2})
    other = run_sft({"per_device_train_batch_size": 8, "gradient_accumulation_steps": 1})
    assert losses(one) == pytest.approx(losses(other), abs=1e-4)
    assert losses(one) != pytest.approx(losses(run_sft({"per_device_train_batch_size": 4})), abs=1e-4)


def test_learning_rate_schedule_and_warmup(run_sft: Any) -> None:
    base = {"learning_rate": 0.01, "max_steps": 4}
    assert rates(run_sft(base | {"lr_scheduler_type": "constant"})) == pytest.approx([0.01] * 4)
    assert rates(run_sft(base | {"lr_scheduler_type": "linear"})) == pytest.approx([0.01, 0.0075, 0.005, 0.0025])
    cosine = rates(run_sft(base | {"lr_scheduler_type": "cosine"}))
    assert cosine == pytest.approx([0.01, 0.0085355, 0.005, 0.0014645], abs=1e-6)
    warm = rates(run_sft(base | {"lr_scheduler_type": "constant", "warmup_steps": 2}))
    assert warm == pytest.approx([0, 0.005, 0.01, 0.01])


def test_rank_alpha_dropout_and_target_modules(run_sft: Any) -> None:
    trained = run_sft({"r": 3, "lora_alpha": 7, "lora_dropout": 0.25, "target_modules": ["q_proj"]})
    config = config_of(trained)
    assert (config["r"], config["lora_alpha"], config["lora_dropout"]) == (3, 7, 0.25)
    assert config["target_modules"] == ["q_proj"]
    assert set(config_of(run_sft({}))["target_modules"]) >= {"q_proj", "k_proj", "v_proj", "o_proj", "down_proj"}
    plain = losses(run_sft({}))
    assert losses(run_sft({"lora_alpha": 64})) != plain
    assert losses(run_sft({"lora_dropout": 0.5})) != plain


def test_max_length_cuts_rows(run_sft: Any) -> None:
    full = run_sft({})[2]["result"]
    # user turn and header take 49 tokens, then five trained tokens
    size = len(encode(chat_rows(1)[0], toy_tokenizer(), 512).ids)
    cut = run_sft({"max_length": size - 3})[2]["result"]
    assert cut["trainedTokens"] < full["trainedTokens"]


def test_weight_decay_and_gradient_clipping(run_sft: Any) -> None:
    plain, decayed = run_sft({}), run_sft({"weight_decay": 0.5})
    clipped = run_sft({"max_grad_norm": 1e-9})
    files = [trained[0].artifacts[trained[1]]["adapter_model.safetensors"] for trained in (plain, decayed, clipped)]
    assert len(set(files)) == 3
    # Adam hides the gradients' scale except beside its epsilon of 1e-8: clipped to 1e-9, nearly nothing moves
    assert abs(losses(clipped)[-1] - losses(run_sft({"learning_rate": 0}))[-1]) < 1e-2
    assert losses(run_sft({"max_grad_norm": 0})) != losses(clipped)


def test_evaluation_saving_logging_intervals(run_sft: Any) -> None:
    server, name, _ = run_sft(
        {"max_steps": 7, "validation_fraction": 0.25, "eval_steps": 3, "save_steps": 2, "logging_steps": 4}
    )
    assert set(server.metrics(name, "evalLoss")) == {3, 6, 7}
    assert set(server.metrics(name, "loss")) == {4, 7}
    saved = [event["step"] for event in server.all_events(name) if event["type"] == "checkpoint"]
    assert saved == [2, 4, 6]


def test_validation_rows_stay_out_of_training(run_sft: Any) -> None:
    result = run_sft({"validation_fraction": 0.25})[2]["result"]
    assert (result["trainRows"], result["validationRows"]) == (18, 6)
    assert run_sft({})[2]["result"]["validationRows"] == 0


def test_dtype(run_sft: Any) -> None:
    fp32, bf16 = run_sft({}), run_sft({"dtype": "bf16"})
    assert losses(fp32) != losses(bf16)
    assert losses(fp32) == pytest.approx(losses(bf16), abs=0.1)


def test_prompt_completion_and_gguf_free_rows_train(run_sft: Any) -> None:
    rows = [{"prompt": f"{i}+{i}=", "completion": str(2 * i)} for i in range(8)]
    assert run_sft({}, rows)[2]["status"] == "succeeded"


@pytest.mark.parametrize(
    ("rows", "changes", "code", "words"),
    [
        (b'{"messages": []}\n', {}, "BAD_DATA", "line 1"),
        (b'{"prompt": "a", "completion": "b"}\n{oops\n', {}, "BAD_DATA", "line 2"),
        (b'{"messages": [{"content": "x"}]}\n', {}, "BAD_DATA", "without role"),
        (b'{"messages": [{"role": "user", "content": "x"}]}\n', {}, "BAD_DATA", "assistant"),
        (b"\xff\xfe\n", {}, "BAD_DATA", "line 1"),
        (b"", {}, "BAD_DATA", "no rows"),
        (None, {"max_length": 8}, "ROWS_ALL_TOO_LONG", "8 tokens"),
        (None, {"r": 0}, "BAD_PARAMETERS", "r:"),
        (None, {"rank": 8}, "BAD_PARAMETERS", "rank"),
        (None, {"target_modules": ["nope"]}, "BAD_PARAMETERS", "nope"),
        (
            None,
            {"learning_rate": 1, "max_grad_norm": 0, "max_steps": 60, "lora_alpha": 4096},
            "LOSS_NOT_FINITE",
            "loss",
        ),
    ],
)
def test_faults_have_codes(run_sft: Any, rows: bytes | None, changes: Json, code: str, words: str) -> None:
    finish = run_sft(changes, rows)[2]
    assert finish["status"] == "failed"
    assert finish["error"]["code"] == code, finish
    assert words in finish["error"]["message"]
    assert finish["error"]["hint"]


def test_unknown_method_and_broken_base(run_sft: Any, server: FakeServer, tmp_path: Path) -> None:
    assert run_sft({}, method="dpo")[2]["error"]["code"] == "UNKNOWN_METHOD"
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    lease = lease_of(server, "run_b", broken, chat_rows(2), QUICK, tmp_path)
    assert train_here(server, lease, tmp_path / "work")["error"]["code"] == "BAD_BASE_MODEL"


def test_out_of_memory_has_its_code(run_sft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9e12 bytes")

    monkeypatch.setattr("espalier_trainer.methods.sft.summed_loss", explode)
    assert run_sft({})[2]["error"]["code"] == "OUT_OF_MEMORY"


def test_files_come_over_http_too_and_go_on_after_a_cut(run_sft: Any, server: FakeServer) -> None:
    server.cut_downloads = 2
    over_http, local = run_sft({}, local=False), run_sft({})
    assert server.cut_downloads == 0
    assert losses(over_http) == losses(local)


def test_only_the_assistants_turns_count() -> None:
    tokenizer = toy_tokenizer()
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "two"},
    ]
    example = encode({"messages": messages}, tokenizer, 512)
    trained = [label for label in example.labels if label != -100]
    assert tokenizer.decode(trained) == "one<|im_end|>two<|im_end|>"
    assert tokenizer.decode(example.ids) == tokenizer.apply_chat_template(messages, tokenize=False)


def test_white_space_of_an_answer_counts_whatever_the_tokenizer_says_of_offsets() -> None:
    tokenizer = toy_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    answer = "def f():\n    return  1\n\n"
    rows = [{"role": "user", "content": "code"}, {"role": "assistant", "content": answer}]
    example = encode({"messages": rows}, tokenizer, 512)
    assert tokenizer.decode([label for label in example.labels if label != -100]) == f"{answer}<|im_end|>"


def test_a_template_that_hides_a_turn_is_refused() -> None:
    tokenizer = toy_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{% if loop.last %}{{ m['content'] }}{% endif %}{% endfor %}"
    messages = [{"role": r, "content": c} for r, c in (("user", "a"), ("assistant", "b"), ("user", "c"))]
    with pytest.raises(TrainerError, match="does not show"):
        encode({"messages": messages}, tokenizer, 512)


def test_a_template_that_rewrites_earlier_turns() -> None:
    tokenizer = toy_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}[{{ m['role'] }}]{% if loop.last and m['role'] == 'assistant' %}<think></think>"
        "{% endif %}{{ m['content'] }}<|im_end|>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    messages = [{"role": r, "content": c} for r, c in (("user", "a"), ("assistant", "b"), ("user", "c"))]
    text, spans = render([*messages, {"role": "assistant", "content": "d"}], tokenizer)
    assert [text[a:b] for a, b in spans] == ["b<|im_end|>", "<think></think>d<|im_end|>"]


def test_loss_equals_transformers_own(run_sft: Any, toy_base: Path) -> None:
    rows = chat_rows(4)
    first = losses(run_sft({"max_steps": 1}, rows))[0]
    model = AutoModelForCausalLM.from_pretrained(toy_base)
    total, count = 0.0, 0
    for row in rows:
        example = encode(row, toy_tokenizer(), 512)
        loss = model(input_ids=torch.tensor([example.ids]), labels=torch.tensor([example.labels])).loss.item()
        total += loss * example.trained
        count += example.trained
    assert first == pytest.approx(total / count, abs=1e-5)  # a fresh adapter changes nothing


def test_adapter_weights_are_fp32_and_finite(run_sft: Any, tmp_path: Path) -> None:
    server, name, _ = run_sft({"dtype": "bf16"})
    file = tmp_path / "adapter.safetensors"
    file.write_bytes(server.artifacts[name]["adapter_model.safetensors"])
    assert all(t.dtype == torch.float32 and bool(torch.isfinite(t).all()) for t in load_file(file).values())
