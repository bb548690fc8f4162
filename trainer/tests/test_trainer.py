"""The trainer as a process: killed and resumed, cancelled, refused, cut off, stopped."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from espalier_trainer import contract

from .fake_server import FakeServer, Json
from .world import chat_rows, lease_of, start_trainer

LONG: Json = {
    "max_steps": 24,
    "eval_steps": 0,
    "save_steps": 4,
    "validation_fraction": 0.1,
    "learning_rate": 0.01,
    "lora_dropout": 0.1,
    "logging_steps": 2,
}


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def wait_for(condition: object, timeout: float = 120) -> None:
    assert callable(condition)
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_sigkill_at_random_steps_resumes_with_the_same_losses(
    server: FakeServer, toy_base: Path, tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    work = tmp_path / "work"
    rows = chat_rows(40)
    processes.append(start_trainer(server, work))
    server.offer(lease_of(server, "run_plain", toy_base, rows, LONG, tmp_path))
    server.wait_finished("run_plain")

    seed = int(time.time())
    steps = sorted(random.Random(seed).sample(range(2, 23), 2))
    killed = threading.Event()

    def kill(run: str, event: Json) -> None:
        if run == "run_killed" and event["type"] == "metrics" and not killed.is_set() and event["step"] >= steps[0]:
            steps.append(steps.pop(0) + 100)
            processes[-1].kill()
            killed.set()

    server.on_event = kill
    for attempt in (1, 2, 3):
        killed.clear()
        server.offer(lease_of(server, "run_killed", toy_base, rows, LONG, tmp_path, attempt=attempt))
        if attempt < 3:
            wait_for(killed.is_set)
            processes[-1].wait()
            processes.append(start_trainer(server, work if attempt == 1 else tmp_path / "elsewhere"))
    server.wait_finished("run_killed")

    assert len(server.events) == 4, "one plain attempt and three of the killed run"
    resumed = [event for event in server.all_events("run_killed") if "going on after" in event.get("message", "")]
    assert resumed or steps[1] - 100 < LONG["save_steps"], f"never resumed (seed {seed})"
    assert server.metrics("run_killed", "loss") == server.metrics("run_plain", "loss"), f"seed {seed}"
    for name in ("adapter_model.safetensors", "README.md"):
        assert server.artifacts["run_killed"][name] == server.artifacts["run_plain"][name], name


def test_cancel_within_two_seconds(
    server: FakeServer, toy_base: Path, tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(start_trainer(server, tmp_path / "work"))
    server.offer(lease_of(server, "run_c", toy_base, chat_rows(40), LONG | {"max_steps": 100000}, tmp_path))
    wait_for(lambda: server.metrics("run_c", "loss"))
    asked = time.monotonic()
    server.cancel.add("run_c")
    assert server.wait_finished("run_c", 2)["status"] == "cancelled"
    assert time.monotonic() - asked <= 2
    server.offer(lease_of(server, "run_next", toy_base, chat_rows(8), LONG | {"max_steps": 2}, tmp_path))
    assert server.wait_finished("run_next")["status"] == "succeeded", "the trainer takes the next run"


def test_cancel_while_rows_are_tokenized(
    server: FakeServer, toy_base: Path, tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(start_trainer(server, tmp_path / "work"))
    rows = [{"prompt": "x" * 2000, "completion": "y"}] * 60_000
    server.offer(lease_of(server, "run_d", toy_base, rows, LONG, tmp_path))
    cancel_in_phase(server, "run_d", "data")


SAMPLE_GGUF = Path(os.environ.get("ESPALIER_TEST_MODEL", "../.cache/models/SmolLM2-135M-Instruct.Q4_1.gguf"))


@pytest.mark.skipif(not SAMPLE_GGUF.exists(), reason="needs the sample model")
def test_cancel_while_a_gguf_is_converted(
    server: FakeServer, tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / SAMPLE_GGUF.name).symlink_to(SAMPLE_GGUF.resolve())
    work = tmp_path / "work"
    processes.append(start_trainer(server, work))
    server.offer(lease_of(server, "run_g", base, chat_rows(8), LONG, tmp_path, file_format="gguf"))
    cancel_in_phase(server, "run_g", "converting")
    assert psutil.Process(processes[0].pid).children(recursive=True) == [], "the conversion ended with the run"
    assert [made.suffix for made in (work / "converted").glob("*")] in ([], [".tmp"]), "nothing half-made"


def cancel_in_phase(server: FakeServer, run: str, words: str) -> None:
    """Cancels a second after the run said the words, and expects its end within two."""

    def states() -> list[str]:
        return [f"{e['phase']} {e['message']}" for e in server.all_events(run) if e["type"] == "state"]

    wait_for(lambda: any(words in state for state in states()))
    time.sleep(1)
    assert words in states()[-1], f"too quick to be cancelled: {states()}"
    asked = time.monotonic()
    server.cancel.add(run)
    finish = server.wait_finished(run, 2)
    assert finish["status"] == "cancelled", finish
    assert time.monotonic() - asked <= 2


def test_a_lost_network_loses_no_event(
    server: FakeServer, toy_base: Path, tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(start_trainer(server, tmp_path / "work"))
    server.offer(lease_of(server, "run_n", toy_base, chat_rows(40), LONG | {"max_steps": 60}, tmp_path))
    wait_for(lambda: server.metrics("run_n", "loss"))
    server.down = True
    time.sleep(1.5)
    server.down = False
    assert server.wait_finished("run_n")["status"] == "succeeded"
    assert set(server.metrics("run_n", "loss")) == set(range(2, 61, 2))


def test_a_stale_attempt_is_dropped(
    server: FakeServer, toy_base: Path, tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(start_trainer(server, tmp_path / "work"))
    server.offer(lease_of(server, "run_s", toy_base, chat_rows(40), LONG | {"max_steps": 100000}, tmp_path))
    wait_for(lambda: server.metrics("run_s", "loss"))
    server.attempt["run_s"] = 2
    server.offer(lease_of(server, "run_after", toy_base, chat_rows(8), LONG | {"max_steps": 2}, tmp_path))
    server.wait_finished("run_after")
    assert "run_s" not in server.finished


def test_sigterm_ends_it_idle_and_busy(
    server: FakeServer, toy_base: Path, tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(start_trainer(server, tmp_path / "work"))
    wait_for(lambda: server.hellos)
    processes[0].send_signal(signal.SIGTERM)
    assert processes[0].wait(3) == 0
    assert (server.released, server.goodbyes) == ([], ["trn_1"])
    processes.append(start_trainer(server, tmp_path / "work"))
    server.offer(lease_of(server, "run_t", toy_base, chat_rows(40), LONG | {"max_steps": 100000}, tmp_path))
    wait_for(lambda: server.metrics("run_t", "loss"))
    processes[1].send_signal(signal.SIGTERM)
    assert processes[1].wait(3) == 0
    assert "run_t" not in server.finished
    assert (server.released, len(server.goodbyes)) == (["run_t"], 2), "the run is handed back at once"


def test_it_ends_with_its_parent(server: FakeServer, tmp_path: Path, processes: list[subprocess.Popen[str]]) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], text=True)
    processes.append(start_trainer(server, tmp_path / "work", "--parent-pid", str(parent.pid)))
    wait_for(lambda: server.hellos)
    assert psutil.pid_exists(processes[0].pid)
    parent.kill()
    parent.wait()
    assert processes[0].wait(5) == 0


def test_refusals_end_it_with_their_own_exit_codes(
    server: FakeServer, tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(start_trainer(server, tmp_path / "work", token="wrong"))
    said = processes[0].communicate(timeout=20)[1]
    assert processes[0].returncode == 4
    assert "refused the token" in said
    server.version = "espalier-trainer/99"
    processes.append(start_trainer(server, tmp_path / "work"))
    said = processes[1].communicate(timeout=20)[1]
    assert processes[1].returncode == 6
    assert "espalier-trainer/99" in said
    assert contract.version() in said


def test_hello_says_what_the_trainer_can_do(
    server: FakeServer, tmp_path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(start_trainer(server, tmp_path / "work"))
    wait_for(lambda: server.hellos)
    hello = server.hellos[0]
    assert hello["name"] == "t1"
    assert hello["devices"]
    properties = hello["methods"][0]["parameters"]["properties"]
    assert sum(declared["group"] == "main" for declared in properties.values()) == 6
    for name, declared in properties.items():
        assert declared["title"], name
        assert len(declared["description"]) > 30, name
        assert "default" in declared, name
