"""Talks HTTP to a party that may be down, slow or lying."""

import io
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from ledger.errors import PartyUnreachable

CONNECT_S = 3.0
SILENT_S = 5.0
WHOLE_S = 10.0  # from the first byte sent to the last one read


@dataclass(frozen=True)
class Reply:
    """What came back, however it was meant."""

    status: int
    body: bytes
    content_type: str

    @property
    def sentence(self) -> str:
        """What a refusal says, made fit for people and tables."""
        text = self.body[:200].decode(errors="replace")
        return "".join(c if c.isprintable() else " " for c in text).strip()


class _PunctualReader(io.RawIOBase):
    """A socket's bytes, until a moment that no trickle of them can put off."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._socket.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(min(left, SILENT_S))
        return self._socket.recv_into(buffer)


class _Punctual:
    """As much of a socket as an HTTP connection uses."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline
        self._is_read = False

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(SILENT_S)
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        self._is_read = True
        return io.BufferedReader(_PunctualReader(self._socket, self._deadline))

    def close(self) -> None:
        # As a socket does: while somebody reads, it is theirs to close.
        if not self._is_read:
            self._socket.close()


@dataclass(frozen=True)
class Party:
    """Somebody's HTTP service, behind one prefix.

    Nothing is followed elsewhere, no reply is larger or slower than allowed.
    """

    prefix: str  # e.g. https://hospital.example/ledger

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
        return self._exchange("GET", path, most, None, headers)

    def post(self, path: str, body: bytes, *, most: int) -> Reply:
        """Send a body to a path below the prefix.

        Raises:
            PartyUnreachable: with what went wrong, as a sentence.
        """
        return self._exchange("POST", path, most, body, {})

    def _exchange(
        self,
        method: str,
        path: str,
        most: int,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Reply:
        deadline = time.monotonic() + WHOLE_S
        try:
            connection, base = self._connected(deadline)
            try:
                connection.request(method, f"{base}/{path}", body, dict(headers))
                with connection.getresponse() as response:
                    found = response.read(most + 1)
                    if response.length and len(found) <= most:
                        raise ConnectionError
                    kind = response.headers.get("Content-Type", "")
                    status = response.status
            finally:
                connection.close()
        except TimeoutError as error:
            raise PartyUnreachable(f"{self.prefix} does not answer in time.") from error
        except ValueError as error:
            raise PartyUnreachable(f"{self.prefix} is no http address.") from error
        except (HTTPException, OSError) as error:
            raise PartyUnreachable(
                f"{self.prefix} does not answer ({type(error).__name__})."
            ) from error
        if len(found) > most:
            raise PartyUnreachable(f"{self.prefix} sends more than was asked for.")
        return Reply(status, found, kind)

    def _connected(self, deadline: float) -> tuple[HTTPConnection, str]:
        """A connection that keeps to the deadline, with the prefix's own path."""
        url = urlsplit(self.prefix)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError(f"{self.prefix} is no address.")
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.hostname, url.port, timeout=CONNECT_S)
        connection.connect()
        connection.sock = _Punctual(connection.sock, deadline)
        return connection, url.path.rstrip("/")
