"""The errors of grading.

PortalError
├── ClaimLost     another worker holds the job, or it was cancelled
└── GradingFailed a job cannot be finished; the message is for the user
"""

from portal.errors import PortalError


class ClaimLost(PortalError):
    """The worker no longer holds the job and must leave it alone."""


class GradingFailed(PortalError):
    """The job cannot be finished."""
