"""What can be wrong around a grade.

GradingError
├── PixelsRejected      no frame that could be graded
├── WeightsRejected     the weights' folder is not what its manifest says
├── BackendUnavailable  a way to run the networks that this machine lacks
├── MemoryExhausted     not even one frame fits into memory
└── ReportRejected      bytes that are no report, or one that contradicts itself
"""


class GradingError(ValueError):
    """Grading could not be done; the sentence says why."""


class PixelsRejected(GradingError):
    """The array is no frame that could be graded."""


class WeightsRejected(GradingError):
    """The weights' folder is not what its manifest says."""


class BackendUnavailable(GradingError):
    """This machine cannot run the networks in the way asked for."""


class MemoryExhausted(GradingError):
    """Not even one frame fits into memory; the next call may well succeed."""


class ReportRejected(GradingError):
    """The bytes are no report, or one that contradicts itself."""
