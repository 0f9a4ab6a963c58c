"""Capsule layers with routing by agreement."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

EPSILON = 1e-8
# Of the first weights, times √I: the sum over I lower capsules then starts with
# lengths near 0.2 whatever I is. Far above, every length starts at 1 and stays.
SPREAD = 0.5


class Routing(NamedTuple):
    """What routing settles on.

    capsules: (B, K, D), lengths in [0, 1).
    coupling: (B, I, K), how much of each lower capsule goes to each upper one;
        sums to 1 over K.
    """

    capsules: Tensor
    coupling: Tensor


def squash(vectors: Tensor) -> Tensor:
    """Shrink each capsule vector to a length below 1, keeping its direction.

    v = (|s|² / (1 + |s|²)) · (s / |s|)      Sabour et al. 2017, eq. 1

    Args:
        vectors: (..., D) float, any real values, no unit.

    Returns:
        The same shape; lengths lie in [0, 1), up to rounding: a float32 vector
        longer than some 3,000 comes out at 1.

    Differs from the paper: ε = 1e-8 under the root, so that a zero vector has a
    zero gradient instead of NaN.
    """
    square = vectors.square().sum(dim=-1, keepdim=True)
    return square / (1 + square) * vectors / (square + EPSILON).sqrt()


def lengths(capsules: Tensor) -> Tensor:
    """(B, K, D) → (B, K); a zero vector has a zero gradient."""
    return (capsules.square().sum(dim=-1) + EPSILON**2).sqrt()


def route(predictions: Tensor, *, iterations: int = 3) -> Routing:
    """Send each lower capsule to the upper ones that agree with it.

    s_j = Σ_i c_ij û_ij, c_i = softmax_j(b_i), v = squash(s), b_ij += û_ij · v_j
    (ibid., procedure 1). Gradients flow through the last iteration alone.

    Args:
        predictions: û, (B, I, K, D) float32: half precision loses the agreement.
        iterations: at least 1.

    Returns:
        The upper capsules and the last coupling.

    Differs from the COVID paper, whose softmax in (3) and algorithm 1 leave open
    over which capsules it goes: over the upper ones, as in Sabour et al.
    """
    # Products and sums: matrix products would be halved in precision by autocast.
    fixed = predictions.detach()
    logits = fixed.new_zeros(fixed.shape[:-1])
    for _ in range(iterations - 1):
        agreed = _upper(logits.softmax(dim=-1), fixed)
        logits = logits + (fixed * agreed[:, None]).sum(dim=-1)
    coupling = logits.softmax(dim=-1)
    return Routing(_upper(coupling, predictions), coupling)


def _upper(coupling: Tensor, predictions: Tensor) -> Tensor:
    return squash((coupling[..., None] * predictions).sum(dim=1))


class PrimaryCapsules(nn.Module):
    """A 1×1 convolution whose channels are read as vectors."""

    def __init__(self, incoming: int, *, types: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.conv = nn.Conv2d(incoming, types * size, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → (B, types H W, size), lengths in [0, 1)."""
        vectors = self.conv(features).unflatten(1, (-1, self.size))
        return squash(vectors.flatten(3).mT.flatten(1, 2))


class ClassCapsules(nn.Module):
    """One capsule for each class, routed to from every lower capsule."""

    def __init__(
        self, lower: int, incoming: int, classes: int, *, size: int, iterations: int
    ) -> None:
        super().__init__()
        self.iterations = iterations
        self.weight = nn.Parameter(torch.empty(lower, classes, size, incoming))
        if not self.weight.is_meta:
            nn.init.normal_(self.weight, std=SPREAD / math.sqrt(lower))

    def forward(self, capsules: Tensor) -> Tensor:
        """(B, I, d) → (B, K, D), lengths in [0, 1)."""
        return self.routing(capsules).capsules

    def routing(self, capsules: Tensor) -> Routing:
        """The same, with the coupling that it came from; always in float32."""
        lower = capsules.float()[:, :, None, None]
        predictions = (self.weight.float() * lower).sum(dim=-1)
        return route(predictions, iterations=self.iterations)
