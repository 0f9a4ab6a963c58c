"""The errors that the reader of a history may see.

PortalError
└── RecordDamaged   a document is not what it was when it was sealed
"""

from collections.abc import Iterator
from contextlib import contextmanager

from portal.errors import PortalError
from records.encryption.errors import EncryptionError


class RecordDamaged(PortalError):
    """A document is not what it was when it was sealed; nothing of it is shown."""

    @classmethod
    @contextmanager
    def instead_of_encryption_errors(cls) -> Iterator[None]:
        """Say in a reader's words what the cryptography found."""
        try:
            yield
        except EncryptionError as error:
            raise cls(f"This document was altered and is not shown. {error}") from error
