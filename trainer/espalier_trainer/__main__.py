"""Command line: python -m espalier_trainer --url URL --token TOKEN [--name NAME] [--work DIR]."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path

# Before transformers loads: a wrong path must fail at once, and nothing may phone anywhere but the server.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Before torch loads: threads that wait for each other spin for some microseconds and then sleep. Without spinning a
# step takes 1.7 times as long on an idle machine; with libgomp's own 300,000 turns 8 times as long beside other work.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
os.environ["TRANSFORMERS_VERBOSITY"] = os.environ.get("TRANSFORMERS_VERBOSITY", "error")

log = logging.getLogger("espalier.trainer")


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM. Exit codes: 0 ended, 1 broken, 2 usage, 4 refused, 6 another contract."""
    parser = argparse.ArgumentParser(prog="espalier_trainer", description="Pulls and trains runs of a server.")
    parser.add_argument("--url", default=os.environ.get("ESPALIER_URL"), help="the server (default: ESPALIER_URL)")
    parser.add_argument("--token", default=os.environ.get("ESPALIER_KEY"), help="trainer key (default: ESPALIER_KEY)")
    parser.add_argument("--name", default=platform.node() or "trainer", help="this trainer's name on the server")
    parser.add_argument("--work", type=Path, help="folder for downloads and checkpoints (default: in the cache)")
    parser.add_argument("--parent-pid", type=int, help="end when this process is gone")
    parser.add_argument("--give-up", type=float, default=900, metavar="S", help="drop a run after S s without network")
    arguments = parser.parse_args(argv)
    if not arguments.url or not arguments.token:
        parser.error("--url and --token are needed (or ESPALIER_URL and ESPALIER_KEY)")
    if not arguments.url.startswith(("http://", "https://")):
        parser.error(f"--url {arguments.url} must start with http:// or https://")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    work: Path = (arguments.work or cache / "espalier" / "trainer").resolve()
    work.mkdir(parents=True, exist_ok=True)

    faulthandler.enable()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    if arguments.parent_pid is not None:
        threading.Thread(target=follow_parent, args=(arguments.parent_pid, stop), daemon=True).start()

    import torch

    from . import machine
    from .client import EXIT_CONTRACT, Client
    from .contract import ContractError
    from .errors import Refused
    from .worker import serve

    torch.set_num_threads(machine.cpu_count())
    client = Client(arguments.url, arguments.token, stop, arguments.give_up)
    # Loading these takes seconds; do it while waiting for the first run.
    threading.Thread(target=preload, daemon=True).start()
    ended: list[int] = []

    def work_loop() -> None:
        try:
            serve(client, arguments.name, work)
            ended.append(0)
        except (Refused, ContractError) as error:
            log.error("%s", error)
            ended.append(error.exit_code if isinstance(error, Refused) else EXIT_CONTRACT)
        except BaseException:
            log.exception("the trainer broke")
            ended.append(1)

    # On a thread of its own: a request that waits 20 s for a run must not hold back SIGTERM.
    worker = threading.Thread(target=work_loop, daemon=True)
    worker.start()
    while worker.is_alive() and not stop.is_set():
        worker.join(0.1)
    # A step may take longer than whoever stops this process waits, so the run is not waited for: it is handed back
    # and goes on from its last checkpoint.
    if stop.is_set():
        client.leave()
    if ended and ended[0] != 0:
        return ended[0]
    log.info("stopped")
    return 0


def preload() -> None:
    """Imports the methods' libraries ahead of the first run."""
    import importlib

    importlib.import_module("espalier_trainer.methods.sft")


def follow_parent(pid: int, stop: threading.Event) -> None:
    """Asks this process to end when process `pid` is gone, and ends it 10 s later at the latest."""
    import psutil

    try:
        parent = psutil.Process(pid)
        while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.5)
    except psutil.NoSuchProcess:
        pass
    stop.set()
    time.sleep(10)
    os._exit(0)


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # Not sys.exit: a thread may still sit in a library's import or a request, and would keep the process.
    os._exit(code)
