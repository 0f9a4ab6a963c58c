"""What can be wrong around a grade.

GradingError
├── PixelsRejected      no frame that could be graded
├── WeightsRejected     the weights' folder is not what its manifest says
└── ReportRejected      bytes that are no report, or one that contradicts itself
"""


class GradingError(ValueError):
    """Grading could not be done; the sentence says why."""


class PixelsRejected(GradingError):
    """The array is no frame that could be graded."""


class WeightsRejected(GradingError):
    """The weights' folder is not what its manifest says."""


class ReportRejected(GradingError):
    """The bytes are no report, or one that contradicts itself."""
