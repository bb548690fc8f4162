"""HTTP towards the server: bearer token, contract checks, retries with backoff, verified downloads and uploads."""

from __future__ import annotations

import hashlib
import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from . import contract
from .contract import Json
from .errors import LeaseLost, Refused, Stopping, TrainerError

log = logging.getLogger("espalier.trainer")

EXIT_REFUSED = 4
EXIT_CONTRACT = 6
CHUNK_BYTES = 1 << 20
# Whoever stops a trainer does not wait long.
LEAVE_TIMEOUT_S = 2.0
T = TypeVar("T")


class ServerError(Exception):
    """The server refused a message: HTTP status, stable code, message and hint."""

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        super().__init__(f"{code}: {message}" + (f" {hint}" if hint else ""))
        self.status = status
        self.code = code


class Client:
    """One server. Thread-safe; `stop` ends all waiting."""

    def __init__(self, url: str, token: str, stop: threading.Event, give_up_s: float = 900.0) -> None:
        host = urlsplit(url).hostname or ""
        self.url = url.rstrip("/")
        self.stop = stop
        self.give_up_s = give_up_s
        self.trainer_id: str | None = None
        # Path and attempt of the run that is held: whoever ends the process hands it back.
        self.held: tuple[str, int] | None = None
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(30.0, connect=5.0),
            # A proxy meant for the outside world must not stand between two processes of one machine.
            trust_env=host not in ("localhost", "::1") and not host.startswith("127."),
        )

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, request: str, response: str | None, body: Json) -> Json | None:
        """POSTs `body` once, checked as `request`; returns the answer checked as `response`, None on 204.

        Raises httpx.TransportError when the server is out of reach, ServerError when it refuses.
        """
        answer = self._http.post(path, json=contract.check(request, body))
        self._raise_for(answer)
        if answer.status_code == 204 or response is None:
            return None
        return contract.check(response, answer.json())

    def leave(self) -> None:
        """Hands back the run that is held and says goodbye, each once; unheard, the lease runs out instead."""
        held = self.held
        try:
            if held is not None:
                path, attempt = held
                body = contract.check("ReleaseRequest", {"attempt": attempt})
                self._http.post(f"{path}/release", json=body, timeout=LEAVE_TIMEOUT_S)
            if self.trainer_id is not None:
                body = contract.check("GoodbyeRequest", {"trainerId": self.trainer_id})
                self._http.post("/trainer/v1/goodbye", json=body, timeout=LEAVE_TIMEOUT_S)
        except httpx.TransportError as error:
            log.warning("%s did not hear of the end: %s", self.url, error)

    def post_until_heard(self, path: str, request: str, response: str, body: Json) -> Json:
        """Like post, again and again while the server is out of reach; raises LeaseLost after give_up_s."""
        answer = self.until_heard(lambda: self.post(path, request, response, body))
        if answer is None:
            raise contract.ContractError(f"{path} answered 204")
        return answer

    def until_heard(self, attempt: Callable[[], T]) -> T:
        """Calls `attempt` until the server is reached, waiting 0.2 s to 5 s; raises LeaseLost after give_up_s."""
        started = time.monotonic()
        delay = 0.2
        told = False
        while True:
            try:
                return attempt()
            except httpx.TransportError as error:
                if self.stop.is_set():
                    raise Stopping from error
                if not told:
                    log.warning("no answer from %s (%s): trying again until there is one", self.url, error)
                    told = True
                if time.monotonic() - started > self.give_up_s:
                    raise LeaseLost(f"NETWORK_LOST: no answer from {self.url} for {self.give_up_s:.0f} s") from error
            self.stop.wait(delay * (0.75 + random.random() / 2))
            delay = min(5.0, delay * 1.7)

    def put_file(self, path: str, name: str, file: Path, attempt: int) -> Json:
        """Uploads a file with its SHA-256; returns its {name, sha256, sizeBytes} as the server confirms it."""
        digest = sha256_of(file)
        size = file.stat().st_size

        def once() -> Json:
            with file.open("rb") as body:
                answer = self._http.put(
                    f"{path}/{name}",
                    content=body,
                    headers={
                        "X-Sha256": digest,
                        "X-Attempt": str(attempt),
                        "Content-Type": "application/octet-stream",
                    },
                )
            self._raise_for(answer)
            return contract.check("ArtifactResponse", answer.json())

        confirmed = self.until_heard(once)
        if confirmed != {"name": name, "sha256": digest, "sizeBytes": size}:
            raise contract.ContractError(f"the server confirmed {confirmed} for {name} ({digest}, {size} bytes)")
        return confirmed

    def download(self, path: str, sha256: str, size: int, target: Path, check: Callable[[], None]) -> None:
        """Fetches a blob to `target` by way of `target`.part, going on where an earlier try ended.

        `check` is called between chunks and may raise (cancel, stop). The SHA-256 is always verified.
        """
        part = target.with_name(target.name + ".part")
        part.parent.mkdir(parents=True, exist_ok=True)

        def once() -> None:
            have = part.stat().st_size if part.exists() else 0
            if have > size:
                part.unlink()
                have = 0
            if have < size:
                headers = {"Range": f"bytes={have}-"} if have else {}
                with self._http.stream("GET", path, headers=headers) as answer:
                    if answer.is_error:
                        answer.read()
                    self._raise_for(answer)
                    with part.open("ab" if answer.status_code == 206 else "wb") as out:
                        for chunk in answer.iter_bytes(CHUNK_BYTES):
                            check()
                            out.write(chunk)
            if not part.exists():
                part.touch()
            if part.stat().st_size < size:
                raise httpx.ReadError(f"{path} ended early")

        for _ in range(2):
            self.until_heard(once)
            if part.stat().st_size == size and sha256_of(part) == sha256:
                part.replace(target)
                return
            part.unlink(missing_ok=True)
        raise TrainerError(
            "NETWORK_LOST",
            f"the file {sha256} came damaged twice from {self.url}",
            "Check what stands between trainer and server, and the server's disk; then retry the training.",
        )

    def _raise_for(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        try:
            error = contract.check("ErrorBody", answer.json())["error"]
            code, message, hint = error["code"], error["message"], error.get("hint") or ""
        except (ValueError, contract.ContractError):
            code, message, hint = f"HTTP_{answer.status_code}", answer.text[:300], ""
        if answer.status_code in (401, 403):
            raise Refused(
                f"{self.url} refused the token: {message} {hint or 'Make one with: espalier key create'}",
                EXIT_REFUSED,
            )
        if code == "CONTRACT_VERSION_MISMATCH":
            raise Refused(f"{message} {hint}".strip(), EXIT_CONTRACT)
        if code in ("STALE_ATTEMPT", "RUN_NOT_FOUND", "RUN_ENDED"):
            raise LeaseLost(f"{code}: {message}")
        # A server that starts, stops, is overloaded or has a full disk is as good as out of reach: the same message
        # goes again.
        if answer.status_code in (408, 429, 502, 503, 504, 507):
            raise httpx.ReadError(f"{answer.status_code} {message}")
        raise ServerError(answer.status_code, code, message, hint)


def sha256_of(file: Path) -> str:
    """SHA-256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
