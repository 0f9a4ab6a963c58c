"""The errors of grading.

PortalError
├── ClaimLost         another worker holds the job, or it was cancelled
└── NoActiveVersion   no version of the networks may grade now
"""

from portal.errors import PortalError


class ClaimLost(PortalError):
    """The worker no longer holds the job and must leave it alone."""


class NoActiveVersion(PortalError):
    """No version of the networks may grade now; the job can be tried again."""
