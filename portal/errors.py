"""The errors that a person who uses the portal may read.

PortalError
├── Refused          the rules do not allow the act
└── KeyUnavailable   a private key cannot be used now
"""


class PortalError(Exception):
    """Base of the portal's errors; the message is a sentence for the reader."""


class Refused(PortalError):
    """The rules do not allow the act; nothing was changed."""


class KeyUnavailable(PortalError):
    """A private key cannot be used now; nothing was changed."""
