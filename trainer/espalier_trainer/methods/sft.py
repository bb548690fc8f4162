"""Supervised fine-tuning with LoRA, from top to bottom: parse spec → load → data → train → save → report."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import psutil
import torch
from transformers import StoppingCriteriaList

from .. import __version__, checkpoint, contract, files
from ..base_model import load_base
from ..contract import Json
from ..errors import TrainerError
from ..loss import summed_loss
from ..rows import IGNORED, Example, encode, read_rows
from ..session import Session

PARAMETERS = "SftParameters"

EVAL_ROWS = 256  # an evaluation looks at this many of the validation rows at most
SAMPLE_TOKENS = 48
KEPT_CHECKPOINTS = 2


def train(session: Session, lease: Json, work: Path) -> Json:
    """Runs one training to its end; returns the body of the finish message (status succeeded)."""
    started = time.monotonic()

    # --- parse spec ----------------------------------------------------------------------------------------
    spec: Json = lease["run"]["spec"]
    wrong = contract.problems(PARAMETERS, spec["parameters"])
    if wrong:
        raise TrainerError(
            "BAD_PARAMETERS",
            f"the training's parameters are wrong: {'; '.join(wrong)}",
            "Start it with other values.",
        )
    p = contract.with_defaults(PARAMETERS, spec["parameters"])
    run_dir = work / "runs" / lease["run"]["id"]
    run_dir.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(p["seed"])

    # --- load ----------------------------------------------------------------------------------------------
    session.state("fetching", f"files of base {spec['base']['name']} and dataset {spec['dataset']['name']}")
    base_dir, base_key = files.fetch_base(session, work, lease["files"])
    dataset_files = files.fetch_dataset(session, work, lease["files"])
    session.check()
    session.state("loading", f"base model {spec['base']['name']} as {p['dtype']} on {device}")
    dtype = torch.float32 if p["dtype"] == "fp32" else torch.bfloat16
    model, tokenizer = load_base(session, base_dir, base_key, spec["base"]["format"], dtype, work)
    model = add_adapter(model, p, spec["base"]["name"]).to(device)
    adapter = {name: value for name, value in model.named_parameters() if value.requires_grad}
    trainable = sum(value.numel() for value in adapter.values())
    session.check()

    # --- data ----------------------------------------------------------------------------------------------
    session.state("data", f"tokenizing rows, at most {p['max_length']} tokens each")
    rows = read_rows(dataset_files, session.check)
    train_set, validation_set, skipped = make_examples(session, rows, tokenizer, p)
    plan = Plan.of(len(train_set), p)
    session.log(
        f"{len(train_set)} rows to train, {len(validation_set)} to validate, {skipped} skipped; "
        f"{plan.total_steps} steps, {plan.steps_per_epoch} an epoch; {trainable:,} trainable parameters"
    )

    # --- train ---------------------------------------------------------------------------------------------
    optimizer = torch.optim.AdamW(adapter.values(), lr=p["learning_rate"], weight_decay=p["weight_decay"])
    # "recent" and "window" are sums behind the reported losses; with them a resumed run reports the same numbers.
    position: Json = {"step": 0, "trained_tokens": 0, "recent": [], "window_loss": 0.0, "window_tokens": 0}
    resume = lease["run"].get("resumeFrom")
    if resume is not None:
        url = f"/trainer/v1/blobs/{resume['artifactSha256']}"
        fetched = files.fetch_blob(session, work, resume, url)
        position = checkpoint.load(fetched, adapter, optimizer)
        if fetched.parent == work / "blobs":
            fetched.unlink()  # ours alone and of no use to another run
        session.log(f"going on after step {position['step']}")
    session.state("training", f"step {position['step']} of {plan.total_steps}")
    sample_row = (validation_set or train_set)[0]
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    model.train()
    eval_loss: float | None = position.get("eval_loss")
    window_seen, window_started = 0, time.monotonic()
    seconds_per_step = 0.0

    while position["step"] < plan.total_steps:
        step_started = time.monotonic()
        group = plan.batches(position["step"], p)
        batches = [[train_set[index] for index in batch] for batch in group]
        # Loss per trained token over the whole group, so accumulated batches equal one large batch.
        tokens = max(1, sum(example.trained for batch in batches for example in batch))
        loss_sum = 0.0
        for batch in batches:
            session.check()
            loss = summed_loss(model, batch, pad_id, device)
            (loss / tokens).backward()
            loss_sum += loss.item()
            window_seen += sum(len(example.ids) for example in batch)
        norm = torch.nn.utils.clip_grad_norm_(adapter.values(), p["max_grad_norm"] or math.inf).item()
        if not (math.isfinite(loss_sum) and math.isfinite(norm)):
            raise TrainerError(
                "LOSS_NOT_FINITE",
                f"the loss of step {position['step'] + 1} is {loss_sum / tokens}, its gradient norm {norm}",
                "Lower learning_rate, set max_grad_norm to 1, or use dtype fp32.",
            )
        rate = p["learning_rate"] * schedule(position["step"], plan.total_steps, p)
        for parameter_group in optimizer.param_groups:
            parameter_group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

        step = position["step"] = position["step"] + 1
        position["trained_tokens"] += tokens
        position["window_loss"] += loss_sum
        position["window_tokens"] += tokens
        position["recent"] = [*position["recent"], loss_sum / tokens][-10:]
        spent = time.monotonic() - step_started
        seconds_per_step = spent if seconds_per_step == 0 else 0.8 * seconds_per_step + 0.2 * spent
        last = step == plan.total_steps
        metrics: Json = {
            "step": step,
            "totalSteps": plan.total_steps,
            "epoch": round(step / plan.steps_per_epoch, 4),
        }
        if step % p["logging_steps"] == 0 or last:
            now = time.monotonic()
            session.metrics(
                metrics
                | {
                    "loss": position["window_loss"] / position["window_tokens"],
                    "learningRate": rate,
                    "gradNorm": norm,
                    "tokensPerSecond": window_seen / max(1e-9, now - window_started),
                    "memoryBytes": memory_bytes(device),
                    "etaSeconds": (plan.total_steps - step) * seconds_per_step,
                }
            )
            position["window_loss"], position["window_tokens"] = 0.0, 0
            window_seen, window_started = 0, now
        if last or (p["eval_steps"] and step % p["eval_steps"] == 0):
            paused = time.monotonic()
            eval_loss = evaluate(session, model, validation_set, p, pad_id, device)
            position["eval_loss"] = eval_loss
            if eval_loss is not None:
                session.metrics(metrics | {"evalLoss": eval_loss})
            session.sample(step, *sample_answer(session, model, tokenizer, sample_row, device))
            window_started += time.monotonic() - paused
        if p["save_steps"] and step % p["save_steps"] == 0 and not last:
            file = run_dir / f"checkpoint-{step}.pt"
            checkpoint.save(file, adapter, optimizer, position)
            session.checkpoint(step, file)
            for old in sorted(run_dir.glob("checkpoint-*.pt"), key=lambda f: f.stat().st_mtime)[:-KEPT_CHECKPOINTS]:
                old.unlink()
    session.check()

    # --- save ----------------------------------------------------------------------------------------------
    session.state("saving", "writing and uploading the adapter")
    recent = position["recent"]
    result: Json = {
        "steps": position["step"],
        "totalSteps": plan.total_steps,
        "trainLoss": sum(recent) / len(recent) if recent else None,
        "evalLoss": eval_loss,
        "trainRows": len(train_set),
        "validationRows": len(validation_set),
        "skippedRows": skipped,
        "trainedTokens": position["trained_tokens"],
        "trainableParameters": trainable,
        "durationMs": int((time.monotonic() - started) * 1000),
        "parameters": p,
    }
    out = run_dir / "adapter"
    model.save_pretrained(out, save_embedding_layers=False)
    write_card(out, spec, p, result, lease["files"])

    # --- report --------------------------------------------------------------------------------------------
    names = ("adapter_config.json", "adapter_model.safetensors", "README.md", "spec.json")
    artifacts = [session.upload(name, out / name) for name in names]
    return {"status": "succeeded", "artifacts": artifacts, "result": result}


def add_adapter(model: Any, p: Json, base_name: str) -> Any:
    """Wraps the frozen base with a LoRA adapter; BAD_PARAMETERS when target_modules names no layer."""
    model.config.use_cache = False
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=p["r"],
        lora_alpha=p["lora_alpha"],
        lora_dropout=p["lora_dropout"],
        target_modules=p["target_modules"],
        bias="none",
    )
    try:
        wrapped = peft.get_peft_model(model, config)
    except ValueError as error:
        raise TrainerError(
            "BAD_PARAMETERS",
            f"target_modules {p['target_modules']} does not fit the base model: {error}",
            'Use "all-linear", or names of its linear layers such as q_proj and v_proj.',
        ) from error
    made = wrapped.peft_config["default"]
    made.base_model_name_or_path = base_name
    # PEFT resolves all-linear to every layer's full path, as a set; other readers expect the usual short names.
    made.target_modules = sorted({name.rsplit(".", 1)[-1] for name in made.target_modules})
    return wrapped


def make_examples(
    session: Session, rows: list[Json], tokenizer: Any, p: Json
) -> tuple[list[Example], list[Example], int]:
    """Splits rows by the seed, tokenizes them, and leaves out those without a trained token after the cut."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(p["seed"])).tolist()
    held_out = 0
    if p["validation_fraction"] > 0 and len(rows) > 1:
        held_out = min(len(rows) - 1, max(1, round(p["validation_fraction"] * len(rows))))
    sets: tuple[list[Example], list[Example]] = ([], [])
    cut = 0
    for place, index in enumerate(order):
        session.check()
        example = encode(rows[index], tokenizer, p["max_length"])
        if example.trained == 0:
            cut += 1
        else:
            sets[0 if place >= held_out else 1].append(example)
    if not sets[0]:
        raise TrainerError(
            "ROWS_ALL_TOO_LONG",
            f"none of the {len(rows) - held_out} training rows keeps a token to learn within {p['max_length']} tokens",
            "Raise max_length, or shorten the rows (the dataset's histogram shows their lengths).",
        )
    if cut:
        session.log(f"{cut} rows have no token to learn within {p['max_length']} tokens; left out", "warning")
    return sets[0], sets[1], cut


@dataclass(frozen=True)
class Plan:
    """Which rows belong to which step: a function of seed and step alone, so a resumed run needs no state."""

    rows: int
    steps_per_epoch: int
    total_steps: int

    @staticmethod
    def of(rows: int, p: Json) -> Plan:
        rows_per_step = p["per_device_train_batch_size"] * p["gradient_accumulation_steps"]
        steps_per_epoch = math.ceil(rows / rows_per_step)
        by_epochs = max(1, math.ceil(p["num_train_epochs"] * steps_per_epoch))
        return Plan(rows, steps_per_epoch, p["max_steps"] if p["max_steps"] > 0 else by_epochs)

    def batches(self, step: int, p: Json) -> Iterator[list[int]]:
        """Row numbers of the batches of one step (from 0), in a new order each epoch."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = torch.randperm(self.rows, generator=torch.Generator().manual_seed(p["seed"] + 1 + epoch)).tolist()
        size = p["per_device_train_batch_size"]
        rows_per_step = size * p["gradient_accumulation_steps"]
        group = order[place * rows_per_step : (place + 1) * rows_per_step]
        for first in range(0, len(group), size):
            yield group[first : first + size]


def schedule(step: int, total_steps: int, p: Json) -> float:
    """Factor on the learning rate for the step with this number, from 0, as in transformers' schedulers."""
    warmup = p["warmup_steps"]
    if step < warmup:
        return step / warmup
    if p["lr_scheduler_type"] == "constant":
        return 1.0
    progress = (step - warmup) / max(1, total_steps - warmup)
    if p["lr_scheduler_type"] == "linear":
        return max(0.0, 1.0 - progress)
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def evaluate(
    session: Session, model: Any, examples: list[Example], p: Json, pad_id: int, device: torch.device
) -> float | None:
    """Loss per trained token over the validation rows; None when there are none."""
    examples = examples[:EVAL_ROWS]
    if not examples:
        return None
    model.eval()
    total, tokens = 0.0, 0
    size = p["per_device_train_batch_size"]
    with torch.no_grad():
        for first in range(0, len(examples), size):
            session.check()
            batch = examples[first : first + size]
            total += summed_loss(model, batch, pad_id, device).item()
            tokens += sum(example.trained for example in batch)
    model.train()
    return total / tokens


def sample_answer(
    session: Session, model: Any, tokenizer: Any, example: Example, device: torch.device
) -> tuple[str, str, str]:
    """(prompt, greedy answer, the dataset's answer) for one row, up to its first trained turn."""

    def go_on(ids: torch.Tensor, _scores: object) -> torch.Tensor:
        session.check()  # between tokens, because a large model takes long over an answer
        return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)

    start = next(index for index, label in enumerate(example.labels) if index > 0 and label != IGNORED)
    end = next((i for i in range(start, len(example.labels)) if example.labels[i] == IGNORED), len(example.labels))
    prompt, reference = example.ids[:start], example.ids[start:end]
    ids = torch.tensor([prompt], device=device)
    model.eval()
    with torch.no_grad():
        answer = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=min(SAMPLE_TOKENS, len(reference) + 8),
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            use_cache=True,
            stopping_criteria=StoppingCriteriaList([go_on]),
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
        )[0, len(prompt) :].tolist()
    model.train()
    return tuple(tokenizer.decode(part, skip_special_tokens=True).strip() for part in (prompt, answer, reference))


def memory_bytes(device: torch.device) -> int:
    """Peak memory allocated on a GPU, resident memory of this process on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return int(psutil.Process().memory_info().rss)


def write_card(out: Path, spec: Json, p: Json, result: Json, run_files: list[Json]) -> None:
    """Writes the model card and, beside the weights, the spec as it was resolved and used."""
    inputs = [{key: file[key] for key in ("role", "name", "sha256", "sizeBytes")} for file in run_files]
    resolved = {**spec, "parameters": p, "files": inputs, "trainerVersion": __version__}
    # durationMs stays out: with the same inputs and seed the folder is the same, byte for byte.
    lasting = {key: value for key, value in result.items() if key not in ("durationMs", "parameters")}
    (out / "spec.json").write_text(
        json.dumps({**resolved, "result": lasting}, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    numbers = "\n".join(f"| {name} | {json.dumps(value)} |" for name, value in {**lasting, **p}.items())
    quoted = json.dumps(spec["base"]["name"])
    (out / "README.md").write_text(
        f"---\nbase_model: {quoted}\nlibrary_name: peft\ntags: [lora, sft, espalier]\n---\n\n"
        f"# {spec['model']['name']}\n\n"
        f"A LoRA adapter for {spec['base']['name']}, trained with Espalier by supervised fine-tuning on the dataset "
        f"{spec['dataset']['name']}, version {spec['dataset']['version']}.\n\n"
        f"| | |\n|---|---|\n{numbers}\n\n`spec.json` holds what the training used, with the hashes of its inputs.\n",
        encoding="utf-8",
    )
