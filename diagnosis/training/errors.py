"""What can be wrong around training.

TrainingError
├── DataSetRefused      the data set cannot be learnt from or measured on
├── RunRefused          the run contradicts itself, or the one in its folder
└── TrainingStopped     training cannot go on; the last good checkpoint is kept
"""


class TrainingError(ValueError):
    """Training or measuring could not be done; the sentence says why."""


class DataSetRefused(TrainingError):
    """The data set cannot be learnt from or measured on."""


class RunRefused(TrainingError):
    """The run contradicts itself, or the one that its folder already holds."""


class TrainingStopped(TrainingError):
    """Training cannot go on; the last good checkpoint is kept."""
