"""Serves a witness of its own over HTTP, with its copies of the logs it watches.

POST /add-checkpoint                       C2SP tlog-witness
GET  /<origin hash>/checkpoint             what it has cosigned last
GET  /<origin hash>/evidence               pairs of notes that contradict each other
GET  /mirror/<origin hash>/checkpoint      its copy, C2SP tlog-tiles
GET  /mirror/<origin hash>/tile/…
"""

import json
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from ledger import tile_http
from ledger.answer import Answer, said
from ledger.mirroring.access import is_authorised
from ledger.policy import Party, Policy, witness_line
from ledger.verifier_key import VerifierKey
from ledger.witnessing.folder import WitnessFolder
from ledger.witnessing.witness import MAX_BODY_BYTES

BODY_S = 10.0

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class WitnessApp:
    """A WSGI application over one witness's folder."""

    def __init__(
        self, folder: WitnessFolder, policy: Policy, *, seen: Callable[[], None]
    ) -> None:
        """Serve it.

        Args:
            folder: the witness.
            policy: whose logs it watches.
            seen: told whenever a checkpoint was cosigned.
        """
        self._folder = folder
        self._witness = folder.witness(policy)
        self._logs = {_hashed(log.name): log.key for log in policy.logs}
        self._seen = seen

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer = self.answer(environ)
        status = HTTPStatus(answer.status)
        headers = {
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
            **answer.headers,
        }
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [answer.body]

    def answer(self, environ: Environ) -> Answer:
        """What a request is answered."""
        path = environ.get("PATH_INFO", "")
        posted = environ["REQUEST_METHOD"] == "POST"
        if path == "/add-checkpoint":
            return self._add_checkpoint(environ) if posted else said(405, "POST here.")
        if posted:
            return said(405, "GET here.")
        match path.split("/")[1:]:
            case ["keys"]:
                own = Party(self._folder.name, self._folder.key)
                return Answer(200, f"{witness_line(own)}\n".encode())
            case [log, "checkpoint"]:
                return self._witness.latest(log)
            case [log, "evidence"] if log in self._logs:
                return self._evidence(log)
            case ["mirror", log, *rest] if log in self._logs:
                asking = environ.get("HTTP_AUTHORIZATION", "")
                return self._mirrored(self._logs[log], rest, asking)
        return said(404, "There is nothing here.")

    def _add_checkpoint(self, environ: Environ) -> Answer:
        answer = self._witness.add_checkpoint(_body(environ))
        if answer.status == HTTPStatus.OK:
            self._seen()
        return answer

    def _evidence(self, log: str) -> Answer:
        pairs = self._folder.store.evidence(self._logs[log].name)
        return Answer(200, json.dumps(pairs).encode(), "application/json")

    def _mirrored(self, key: VerifierKey, rest: list[str], asking: str) -> Answer:
        copy = self._folder.mirror(key.name)
        match rest:
            case ["checkpoint"]:
                return tile_http.checkpoint(copy)
            case ["tile", "entries", *number]:
                path = "/".join(number)
                # A copy is read back by the log itself, after it has lost its own.
                return tile_http.entries(
                    copy,
                    path,
                    may=lambda: is_authorised(
                        asking,
                        origin=key.name,
                        path=f"tile/entries/{path}",
                        time=int(time.time()),
                        keys=[key],
                    ),
                )
            case ["tile", level, *number]:
                return tile_http.tile(copy, level, "/".join(number))
        return said(404, "There is nothing here.")


def _body(environ: Environ) -> bytes:
    """The request's body as far as a witness reads; beyond its length a read may wait."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        return b""
    if connected := environ.get("gunicorn.socket"):
        # Who sends half a request must not keep a thread for ever.
        connected.settimeout(BODY_S)
    body: bytes = environ["wsgi.input"].read(min(int(length), MAX_BODY_BYTES + 1))
    return body


def _hashed(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()
