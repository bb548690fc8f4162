"""A small real HTTP server that speaks /trainer/v1, checks every message by the contract, and records it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from espalier_trainer import contract

Json = dict[str, Any]
TOKEN = "secret"


class FakeServer:
    """Offers runs one at a time; a test queues leases and looks at `events`, `artifacts` and `finished`."""

    def __init__(self, lease_ms: int = 2000) -> None:
        self.version = contract.version()
        self.lease_ms = lease_ms
        self.queue: list[Json] = []
        self.blobs: dict[str, Path | bytes] = {}
        self.attempt: dict[str, int] = {}
        self.events: dict[tuple[str, int], list[Json]] = {}
        self.artifacts: dict[str, dict[str, bytes]] = {}
        self.finished: dict[str, Json] = {}
        self.cancel: set[str] = set()
        self.hellos: list[Json] = []
        self.released: list[str] = []
        self.goodbyes: list[str] = []
        self.heartbeats = 0
        self.down = False
        self.cut_downloads = 0
        self.problems: list[str] = []
        self.on_event: Callable[[str, Json], None] = lambda run, event: None
        self.lock = threading.RLock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def offer(self, lease: Json) -> None:
        contract.check("LeaseResponse", lease)
        with self.lock:
            self.queue.append(lease)

    def wait_finished(self, run: str, timeout: float = 150) -> Json:
        deadline = time.monotonic() + timeout
        while run not in self.finished:
            assert time.monotonic() < deadline, f"{run} did not finish; events: {self.all_events(run)[-5:]}"
            time.sleep(0.02)
        assert not self.problems, self.problems
        return self.finished[run]

    def all_events(self, run: str) -> list[Json]:
        return [event for (name, _), events in sorted(self.events.items()) if name == run for event in events]

    def metrics(self, run: str, key: str) -> dict[int, float]:
        """Last reported value of a metric by step."""
        return {e["step"]: e[key] for e in self.all_events(run) if e["type"] == "metrics" and key in e}

    def last_checkpoint(self, run: str) -> Json | None:
        found = [event for event in self.all_events(run) if event["type"] == "checkpoint"]
        return found[-1] if found else None


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def handle(self) -> None:
            # A trainer that is killed leaves its connections in the middle of anything.
            with contextlib.suppress(ConnectionError):
                super().handle()

        def whole_body(self) -> bytes:
            length = int(self.headers["Content-Length"])
            data = self.rfile.read(length)
            if len(data) < length:
                raise ConnectionAbortedError(f"{len(data)} of {length} bytes came")
            return data

        def answer(self, status: int, body: Json | None = None) -> None:
            data = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def refuse(self, status: int, code: str, message: str) -> None:
            self.answer(status, {"error": {"code": code, "message": message, "hint": "mend it"}})

        def refused(self) -> bool:
            if server.down:
                self.close_connection = True
                self.connection.close()
                return True
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                self.refuse(401, "UNAUTHENTICATED", "wrong token")
                return True
            return False

        def stale(self, run: str, attempt: int) -> bool:
            if attempt != server.attempt.get(run):
                self.refuse(409, "STALE_ATTEMPT", f"attempt {attempt} of {run} is over")
                return True
            return False

        def do_POST(self) -> None:
            raw = self.whole_body()
            if self.refused():
                return
            body: Json = json.loads(raw)
            parts = self.path.strip("/").split("/")
            names = {"hello": "HelloRequest", "lease": "LeaseRequest", "heartbeat": "HeartbeatRequest"}
            names |= {"events": "EventsRequest", "finish": "FinishRequest"}
            names |= {"release": "ReleaseRequest", "goodbye": "GoodbyeRequest"}
            if parts[-1] == "hello" and body["contractVersion"] != server.version:
                message = f"the server speaks {server.version}, the trainer {body['contractVersion']}"
                self.refuse(409, "CONTRACT_VERSION_MISMATCH", message)
                return
            wrong = contract.problems(names[parts[-1]], body)
            if wrong:
                server.problems.extend(wrong)
                self.refuse(400, "BAD_MESSAGE", "; ".join(wrong))
                return
            with server.lock:
                getattr(self, f"on_{parts[-1]}")(parts[3] if len(parts) > 4 else "", body)

        def on_hello(self, _: str, body: Json) -> None:
            server.hellos.append(body)
            self.answer(200, {"trainerId": "trn_1", "contractVersion": server.version, "heartbeatMs": 200})

        def on_lease(self, _: str, body: Json) -> None:
            deadline = time.monotonic() + min(body["waitMs"] / 1000, 20)
            while not server.queue and time.monotonic() < deadline and not server.down and not self.caller_left():
                server.lock.release()
                time.sleep(0.02)
                server.lock.acquire()
            if not server.queue or self.caller_left():
                self.answer(204)
                return
            lease = server.queue.pop(0)
            server.attempt[lease["run"]["id"]] = lease["run"]["attempt"]
            self.answer(200, lease)

        def caller_left(self) -> bool:
            """A trainer that ended while it waited must not be given a run."""
            readable = select.select([self.connection], [], [], 0)[0]
            return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""

        def on_heartbeat(self, run: str, body: Json) -> None:
            server.heartbeats += 1
            if not self.stale(run, body["attempt"]):
                until = int(time.time() * 1000) + server.lease_ms
                self.answer(200, {"leaseUntil": until, "cancelRequested": run in server.cancel})

        def on_events(self, run: str, body: Json) -> None:
            if self.stale(run, body["attempt"]):
                return
            known = server.events.setdefault((run, body["attempt"]), [])
            for event in body["events"]:
                if event["seq"] == len(known) + 1:
                    known.append(event)
                    server.on_event(run, event)
                elif event["seq"] > len(known):
                    server.problems.append(f"gap before {event['seq']}")
            self.answer(200, {"lastSeq": len(known)})

        def on_finish(self, run: str, body: Json) -> None:
            if self.stale(run, body["attempt"]):
                return
            for artifact in body["artifacts"]:
                if hashlib.sha256(server.artifacts[run][artifact["name"]]).hexdigest() != artifact["sha256"]:
                    server.problems.append(f"{artifact['name']} differs")
            server.finished[run] = body
            self.answer(200, {"status": body["status"]})

        def on_release(self, run: str, body: Json) -> None:
            if self.stale(run, body["attempt"]):
                return
            server.attempt[run] = -1
            server.released.append(run)
            self.answer(200, {"status": "queued"})

        def on_goodbye(self, _: str, body: Json) -> None:
            server.goodbyes.append(body["trainerId"])
            self.answer(204)

        def do_PUT(self) -> None:
            data = self.whole_body()
            parts = self.path.strip("/").split("/")
            if self.refused() or self.stale(parts[3], int(self.headers["X-Attempt"])):
                return
            digest = hashlib.sha256(data).hexdigest()
            if digest != self.headers["X-Sha256"]:
                server.problems.append(f"{self.path}: X-Sha256 is wrong")
            server.artifacts.setdefault(parts[3], {})[parts[5]] = data
            server.blobs[digest] = data
            self.answer(200, {"name": parts[5], "sha256": digest, "sizeBytes": len(data)})

        def do_GET(self) -> None:
            if self.refused():
                return
            blob = server.blobs[self.path.rsplit("/", 1)[1]]
            data = blob if isinstance(blob, bytes) else blob.read_bytes()
            asked = self.headers.get("Range")
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(data) - first))
            self.end_headers()
            if server.cut_downloads > 0 and len(data) > 1000:
                server.cut_downloads -= 1
                self.wfile.write(data[first : first + (len(data) - first) // 2])
                self.close_connection = True
                return
            self.wfile.write(data[first:])

    return Handler
