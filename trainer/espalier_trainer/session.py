"""One attempt at a run: its heartbeats, its numbered events, its artifacts and its end."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import httpx

from . import machine
from .client import Client
from .contract import Json
from .errors import Cancelled, LeaseLost, Refused, Stopping

log = logging.getLogger("espalier.trainer")
BATCH = 200
# A cancel must be seen within 2 s, however seldom the server wants to hear of us.
HEARTBEAT_AT_MOST_S = 1.0


class Session:
    """What a method sees of the server. Events leave on a thread of their own, in order, until acknowledged."""

    def __init__(self, client: Client, run: Json, heartbeat_ms: int) -> None:
        self.client = client
        self.run_id: str = run["id"]
        self.attempt: int = run["attempt"]
        self._path = f"/trainer/v1/runs/{self.run_id}"
        self._heartbeat_s = min(heartbeat_ms / 1000, HEARTBEAT_AT_MOST_S)
        self._seq = 0
        self._unsent: list[Json] = []
        self._changed = threading.Condition()
        self._cancel = threading.Event()
        self._closed = threading.Event()
        self._lost: Exception | None = None
        self._threads = [
            threading.Thread(target=self._guard, args=(target,), name=name, daemon=True)
            for target, name in ((self._send_heartbeats, "heartbeat"), (self._send_events, "events"))
        ]
        for thread in self._threads:
            thread.start()

    # --- what methods call ---------------------------------------------------------------------------------

    def check(self) -> None:
        """Raises when the work must end now: Cancelled, LeaseLost, Stopping. Called between batches."""
        if self._lost is not None:
            raise self._lost
        if self._cancel.is_set():
            raise Cancelled
        if self.client.stop.is_set():
            raise Stopping

    def state(self, phase: str, message: str) -> None:
        log.info("%s: %s", phase, message)
        self._add({"type": "state", "phase": phase, "message": message[:4000]})

    def log(self, message: str, level: str = "info") -> None:
        log.log(logging.WARNING if level == "warning" else logging.INFO, "%s", message)
        self._add({"type": "log", "level": level, "message": message[:4000]})

    def metrics(self, values: Json) -> None:
        """`values`: a metrics event's fields; those that are None stay away."""
        self._add({"type": "metrics", **{key: value for key, value in values.items() if value is not None}})

    def sample(self, step: int, prompt: str, text: str, reference: str) -> None:
        self._add(
            {
                "type": "sample",
                "step": step,
                "prompt": prompt[:8000],
                "text": text[:8000],
                "reference": reference[:8000],
            }
        )

    def upload(self, name: str, file: Path) -> Json:
        """Uploads one artifact; returns its {name, sha256, sizeBytes}."""
        return self.client.put_file(f"{self._path}/artifacts", name, file, self.attempt)

    def checkpoint(self, step: int, file: Path) -> None:
        """Uploads a checkpoint, then says so: the event never names a file that the server does not hold."""
        artifact = self.upload(file.name, file)
        self._add({"type": "checkpoint", "step": step, **artifact})

    # --- what the worker calls -----------------------------------------------------------------------------

    def finish(self, body: Json) -> None:
        """Sends what is still unsent, then the end of the attempt."""
        deadline = time.monotonic() + self.client.give_up_s
        with self._changed:
            while self._unsent and self._lost is None:
                if self.client.stop.is_set():
                    raise Stopping
                if time.monotonic() > deadline:
                    raise LeaseLost("NETWORK_LOST: the last events could not be sent")
                self._changed.wait(0.2)
        if self._lost is not None:
            raise self._lost
        self.client.post_until_heard(
            f"{self._path}/finish", "FinishRequest", "FinishResponse", {"attempt": self.attempt, **body}
        )

    def close(self) -> None:
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=5)

    # --- threads -------------------------------------------------------------------------------------------

    def _add(self, event: Json) -> None:
        with self._changed:
            self._seq += 1
            self._unsent.append({"seq": self._seq, "at": int(time.time() * 1000), **event})
            self._changed.notify_all()

    def _guard(self, target: object) -> None:
        """Whatever ends a thread early ends the work too: silence would only lose the lease later."""
        try:
            assert callable(target)
            target()
        except (LeaseLost, Refused, Stopping) as error:
            self._lost = error
        except Exception as error:  # noqa: BLE001 - handed to the main thread, which raises it
            self._lost = error

    def _send_heartbeats(self) -> None:
        silent_since = time.monotonic()
        while not self._closed.wait(self._heartbeat_s):
            try:
                body = {"attempt": self.attempt, "lastSeq": self._seq, "load": machine.load()}
                answer = self.client.post(f"{self._path}/heartbeat", "HeartbeatRequest", "HeartbeatResponse", body)
            except httpx.TransportError as error:
                # Training goes on meanwhile: a short loss of network costs nothing but late news.
                if time.monotonic() - silent_since > self.client.give_up_s:
                    raise LeaseLost(
                        f"NETWORK_LOST: no answer from {self.client.url} for {self.client.give_up_s:.0f} s"
                    ) from error
                continue
            silent_since = time.monotonic()
            if answer is not None and answer["cancelRequested"]:
                self._cancel.set()

    def _send_events(self) -> None:
        while True:
            with self._changed:
                while not self._unsent and not self._closed.is_set():
                    self._changed.wait()
                if self._closed.is_set():
                    return
                batch = self._unsent[:BATCH]
            answer = self.client.post_until_heard(
                f"{self._path}/events",
                "EventsRequest",
                "EventsResponse",
                {"attempt": self.attempt, "events": batch},
            )
            with self._changed:
                self._unsent = [event for event in self._unsent if event["seq"] > answer["lastSeq"]]
                self._changed.notify_all()
