"""What can be wrong around a lung's answer.

LungError
├── SeriesRefused       no CT series that could be read
└── LungReportRejected  bytes that are no report, or one that contradicts itself

Weights that are not what they say raise the graders' common ``WeightsRejected``.
"""


class LungError(ValueError):
    """There is no answer; the sentence says why."""


class SeriesRefused(LungError):
    """The files are no CT series that could be read."""


class LungReportRejected(LungError):
    """The bytes are no report, or one that contradicts itself."""
