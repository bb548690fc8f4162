"""The pull loop: hello, wait for a lease, train, report, again."""

from __future__ import annotations

import importlib
import logging
import shutil
import traceback
from pathlib import Path

import httpx

from . import machine
from .client import Client, ServerError
from .contract import Json
from .errors import Cancelled, LeaseLost, Refused, Stopping, TrainerError, as_trainer_error
from .session import Session

log = logging.getLogger("espalier.trainer")
LEASE_WAIT_MS = 20_000


def serve(client: Client, name: str, work: Path) -> None:
    """Pulls and trains runs until client.stop is set; raises Refused when the server will never take us."""
    greeting: Json | None = None
    while not client.stop.is_set():
        try:
            if greeting is None:
                body = machine.hello(name)
                greeting = client.post_until_heard("/trainer/v1/hello", "HelloRequest", "HelloResponse", body)
                client.trainer_id = greeting["trainerId"]
                log.info("checked in at %s as %s (%s)", client.url, name, greeting["trainerId"])
            request = {"trainerId": greeting["trainerId"], "waitMs": LEASE_WAIT_MS, "load": machine.load()}
            lease = client.post("/trainer/v1/lease", "LeaseRequest", "LeaseResponse", request)
            if lease is not None:
                perform(client, lease, greeting["heartbeatMs"], work)
        except Stopping:
            return
        except Refused:
            raise
        except LeaseLost as error:
            log.warning("%s", error)
            greeting = None
        except httpx.TransportError as error:
            # A server that went away may be another one when it comes back: greet it again.
            if not client.stop.is_set():
                log.warning("%s is out of reach: %s", client.url, error)
            greeting = None
            client.stop.wait(1.0)
        except ServerError as error:
            log.warning("%s", error)
            greeting = None
            client.stop.wait(2.0)


def perform(client: Client, lease: Json, heartbeat_ms: int, work: Path) -> None:
    """One attempt at one run, from lease to finish."""
    run = lease["run"]
    log.info("run %s, attempt %d: %s", run["id"], run["attempt"], run["spec"]["method"])
    client.held = (f"/trainer/v1/runs/{run['id']}", run["attempt"])
    session = Session(client, run, heartbeat_ms)
    try:
        session.finish(outcome(session, lease, work))
        # The server holds everything now. After a lost lease the folder stays: an attempt may go on from it.
        shutil.rmtree(work / "runs" / run["id"], ignore_errors=True)
        log.info("run %s: finished", run["id"])
    except LeaseLost as error:
        log.warning("run %s is no longer ours: %s", run["id"], error)
    finally:
        session.close()
        # A run that must end with this process is handed back by whoever ends that.
        if not client.stop.is_set():
            client.held = None


def outcome(session: Session, lease: Json, work: Path) -> Json:
    """The finish message: what the method returns, or why it ended early."""
    try:
        method = lease["run"]["spec"]["method"]
        if method not in machine.METHODS:
            raise TrainerError(
                "UNKNOWN_METHOD",
                f"this trainer does not know the method {method!r}; it knows {', '.join(machine.METHODS)}",
                "Choose one of these, or add a trainer that has it.",
            )
        module = importlib.import_module(f".methods.{method}", __package__)
        body: Json = module.train(session, lease, work)
        return body
    except (LeaseLost, Stopping, Refused):
        raise
    except Cancelled:
        session.log("cancelled")
        return {"status": "cancelled", "artifacts": []}
    except Exception as error:  # noqa: BLE001 - every failure of a run must reach its page
        known = as_trainer_error(error)
        if known.code == "TRAINER_FAILED":
            log.error("%s", traceback.format_exc())
        session.log(f"{known.code}: {known.message}", "error")
        return {
            "status": "failed",
            "error": {"code": known.code, "message": known.message[:4000], "hint": known.hint[:4000]},
            "artifacts": [],
        }
