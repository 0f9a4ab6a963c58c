"""The contract that every network's input is held to."""

from torch import Tensor

from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.errors import ShapeError


def check_images(images: Tensor, *, name: str, channels: int, smallest: int) -> None:
    """Refuse a batch that the network cannot read, saying what would do.

    Args:
        images: expected (B, C, H, W), floating point.
        name: the network's name, for the sentence.
        channels: the C that the network was built for.
        smallest: the least H and W that leave every later layer a pixel.

    Raises:
        ShapeError: the axes, the channels, the sides or the type do not fit.
    """
    shape = tuple(images.shape)
    if len(shape) != 4:
        raise ShapeError(
            f"{name} reads batches (B, {channels}, H, W); this tensor has shape"
            f" {shape}. A single image would do as (1, {channels}, H, W)."
        )
    if shape[1] != channels:
        raise ShapeError(
            f"{name} reads {channels} channels and this batch has {shape[1]}:"
            f" ({shape[0]}, {channels}, {shape[2]}, {shape[3]}) would do."
        )
    if min(shape[2:]) < smallest:
        fitting = tuple(max(side, smallest) for side in shape[2:])
        raise ShapeError(
            f"{name} reads images of at least {smallest} × {smallest} pixels and"
            f" these are {shape[2]} × {shape[3]}: {fitting[0]} × {fitting[1]} would do."
        )
    if not images.is_floating_point():
        raise ShapeError(
            f"{name} reads floating-point images; these are {images.dtype}."
        )


def check_two_to_train(images: Tensor, config: NetworkConfig, *, name: str) -> None:
    """Refuse to train on one image where a map of one cell is normalised.

    Over a batch of one it has one value and no spread. Groups of channels have.

    Raises:
        ShapeError: the batch has one image and is normalised over.
    """
    if config.norm == "batch" and len(images) < 2:
        raise ShapeError(f"{name} trains on batches of at least 2 images.")
