"""The errors of grading.

PortalError
└── ClaimLost   another worker holds the job, or it was cancelled
"""

from portal.errors import PortalError


class ClaimLost(PortalError):
    """The worker no longer holds the job and must leave it alone."""
