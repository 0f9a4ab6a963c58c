"""Talks HTTP to a party that may be down, slow or lying."""

import time
from dataclasses import dataclass, field

import requests

from ledger.errors import PartyUnreachable

CONNECT_S = 3.0
SILENT_S = 5.0
WHOLE_S = 10.0
CHUNK = 65_536


@dataclass(frozen=True)
class Reply:
    """What came back, however it was meant."""

    status: int
    body: bytes
    content_type: str


@dataclass(frozen=True)
class Party:
    """Somebody's HTTP service, behind one prefix.

    Nothing is followed elsewhere, no reply is larger or slower than allowed.
    """

    prefix: str  # e.g. https://hospital.example/ledger
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def get(self, path: str, *, most: int, authorization: str = "") -> Reply:
        """Ask for a path below the prefix.

        Args:
            path: e.g. ``tile/0/000``.
            most: bytes that the reply may have.
            authorization: the header of that name, if any.

        Raises:
            PartyUnreachable: with what went wrong, as a sentence.
        """
        headers = {"Authorization": authorization} if authorization else {}
        return self._exchange("GET", path, most, headers=headers)

    def post(self, path: str, body: bytes, *, most: int) -> Reply:
        """Send a body to a path below the prefix.

        Raises:
            PartyUnreachable: with what went wrong, as a sentence.
        """
        return self._exchange("POST", path, most, data=body)

    def _exchange(self, method: str, path: str, most: int, **more: object) -> Reply:
        deadline = time.monotonic() + WHOLE_S
        try:
            with self._session.request(
                method,
                f"{self.prefix.rstrip('/')}/{path}",
                timeout=(CONNECT_S, SILENT_S),
                allow_redirects=False,
                stream=True,
                **more,  # type: ignore[arg-type] # headers or data
            ) as response:
                body = self._read(response, most, deadline)
                kind = response.headers.get("Content-Type", "")
                return Reply(response.status_code, body, kind)
        except requests.RequestException as error:
            raise PartyUnreachable(
                f"{self.prefix} does not answer ({type(error).__name__})."
            ) from error

    def _read(self, response: requests.Response, most: int, deadline: float) -> bytes:
        body = bytearray()
        for piece in response.iter_content(CHUNK):
            body += piece
            if len(body) > most:
                raise PartyUnreachable(f"{self.prefix} sends more than was asked for.")
            if time.monotonic() > deadline:
                raise PartyUnreachable(f"{self.prefix} takes too long to answer.")
        return bytes(body)
