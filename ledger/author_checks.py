"""Checks who signed each statement, on as many cores as it may use."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import (
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from types import TracebackType
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.entry_checks import Fault

# Where an entry's bytes hold what its author signed.
LOG_ID, STATEMENT, TAIL, AUTHOR = slice(4, 20), 70, 67, slice(92, 124)
PREFIX = b"AML1-statement\n"
IN_FLIGHT = 8  # pieces of work for each core

# The public keys of these ids, as far as they are known.
Keys = Callable[[Iterable[bytes]], Mapping[bytes, Ed25519PublicKey]]


class _Wrong(NamedTuple):
    """An entry whose author did not sign it."""

    seq: int
    is_known: bool


class AuthorChecks:
    """Verifies the author's Ed25519 signature of every entry (inspection.BodyChecks)."""

    def __init__(self, keys: Keys, *, cores: int | None = None, since: int = 0) -> None:
        """Get ready.

        Args:
            keys: finds the authors' keys.
            cores: processes to start; 0 for none, where a worker may have no children.
            since: the first entry whose signature is not known to hold.
        """
        self.checked = 0
        self._keys = keys
        self._since = since
        self._known: dict[bytes, bytes] = {}
        self._cores = (os.cpu_count() or 1) if cores is None else cores
        self._pending: deque[Future[_Wrong | None]] = deque()
        self._wrong: _Wrong | None = None

    def __enter__(self) -> Self:
        self._pool: Executor
        if self._cores:
            # Spawned: a fork would share this process's database connections.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._cores, mp_context=context)
        else:
            self._pool = ThreadPoolExecutor(1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def take(self, start: int, bodies: Sequence[bytes]) -> None:
        """Look at consecutive entries, the first of which is numbered start."""
        known = max(self._since - start, 0)
        start, bodies = start + known, bodies[known:]
        if self._wrong or not bodies:
            return
        authors = {body[AUTHOR] for body in bodies} - self._known.keys()
        if authors:
            found = self._keys(authors)
            self._known |= {k: v.public_bytes_raw() for k, v in found.items()}
        keys = {body[AUTHOR]: self._known.get(body[AUTHOR], b"") for body in bodies}
        self._pending.append(self._pool.submit(_first_wrong, start, bodies, keys))
        self.checked += len(bodies)
        while len(self._pending) > IN_FLIGHT * (self._cores or 1):
            self._collect()

    def first_fault(self) -> Fault | None:
        """The first entry whose author did not sign it."""
        while self._pending and not self._wrong:
            self._collect()
        if self._wrong is None:
            return None
        seq, is_known = self._wrong
        if is_known:
            return Fault(seq, f"Entry {seq} is not signed by its author.")
        return Fault(seq, f"Entry {seq} names an author whose key is not known here.")

    def _collect(self) -> None:
        # In order, so that the first one found is the first one wrong.
        self._wrong = self._wrong or self._pending.popleft().result()


def _first_wrong(
    start: int, bodies: Sequence[bytes], keys: Mapping[bytes, bytes]
) -> _Wrong | None:
    loaded = {
        key_id: Ed25519PublicKey.from_public_bytes(raw)
        for key_id, raw in keys.items()
        if raw
    }
    for seq, body in enumerate(bodies, start=start):
        key = loaded.get(body[AUTHOR])
        if key is None:
            return _Wrong(seq, is_known=False)
        try:
            key.verify(body[-64:], PREFIX + body[LOG_ID] + body[STATEMENT:-TAIL])
        except InvalidSignature:
            return _Wrong(seq, is_known=True)
    return None
