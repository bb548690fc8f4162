"""The environment's script: idempotent, clear about mistakes, and the very steps that the Dockerfile runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

TRAINER = Path(__file__).resolve().parent.parent
SCRIPT = TRAINER.parent / "bin" / "prepare-trainer"


def test_a_second_run_is_instant_and_a_wrong_folder_is_named(tmp_path: Path) -> None:
    started = time.monotonic()
    again = subprocess.run([SCRIPT], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "is ready" in again.stdout
    assert time.monotonic() - started < 2
    wrong = subprocess.run([SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "requirements.lock" in wrong.stderr


def test_without_a_python_it_says_what_it_tried(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("torch==2.13.0\n")
    env = {"PATH": "/usr/bin:/bin", "ESPALIER_PYTHON": "no-such-python"}
    run = subprocess.run([SCRIPT, tmp_path], capture_output=True, text=True, check=False, env=env)
    assert run.returncode == 1
    assert "no-such-python(not found)" in run.stderr
    assert "mend:" in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_every_package_is_pinned() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        lines = [line for line in (TRAINER / name).read_text().splitlines() if not line.startswith("#")]
        assert lines
        assert all("==" in line and not line.lower().startswith("nvidia") for line in lines), name


def test_the_self_test_prints_the_environment() -> None:
    run = subprocess.run([sys.executable, "-m", "espalier_trainer.check"], cwd=TRAINER, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    assert json.loads(run.stdout)["methods"] == ["sft"]


def test_the_dockerfile_runs_these_scripts() -> None:
    steps = [line for line in (TRAINER / "Dockerfile").read_text().splitlines() if line.startswith("RUN ")]
    assert steps[:2] == ["RUN bin/prepare-trainer", "RUN trainer/.venv/bin/python -m espalier_trainer.check"]
