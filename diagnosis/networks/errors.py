"""What can be wrong with what a network is given.

NetworkError
├── ShapeError      the tensor has a shape that the network cannot read
├── UnknownWavelet  there are no filters of that name
└── WeightsMismatch a file's tensors are not the network's
"""


class NetworkError(ValueError):
    """A network was asked for something it cannot do."""


class ShapeError(NetworkError):
    """The shape does not fit; the sentence says the shape that would do."""


class UnknownWavelet(NetworkError):
    """PyWavelets has no discrete wavelet of that name."""


class WeightsMismatch(NetworkError):
    """Published weights are of another network, or none."""
