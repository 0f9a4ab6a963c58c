"""What turns a feature map into one answer for the image."""

from collections.abc import Sequence

from torch import nn


def grading_head(features: int, classes: int) -> nn.Sequential:
    """Global average and one linear layer: (B, features, H, W) → (B, classes)."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, classes)
    )


def mlp_head(
    features: int,
    hidden: Sequence[int],
    classes: int,
    *,
    cells: int = 1,
    dropout: float = 0.5,
) -> nn.Sequential:
    """Averages over cells², hidden layers with dropout, one linear layer.

    (B, features, H, W) → (B, classes); without hidden layers and with one cell it
    is the head that most networks were published with.
    """
    layers: list[nn.Module] = [nn.AdaptiveAvgPool2d(cells), nn.Flatten()]
    incoming = features * cells**2
    for outgoing in hidden:
        layers += [nn.Linear(incoming, outgoing), nn.ReLU(), nn.Dropout(dropout)]
        incoming = outgoing
    return nn.Sequential(*layers, nn.Linear(incoming, classes))
