"""The loss that capsule networks learn by."""

from torch import Tensor
from torch.nn.functional import one_hot

PRESENT = 0.9  # a class that is there should be at least so long
ABSENT = 0.1  # and one that is not at most so
LIGHT = 0.5  # weight of the absent ones, so that they do not shrink all at first


def margin_loss(
    lengths: Tensor, targets: Tensor, weights: Tensor | None = None
) -> Tensor:
    """Mean over the batch of the classes' margin losses, each image by its class's weight.

    L_k = T_k max(0, 0.9 − |v_k|)² + 0.5 (1 − T_k) max(0, |v_k| − 0.1)²
    Sabour et al. 2017, eq. 4; the COVID paper gives no loss.

    Args:
        lengths: (B, K) float in [0, 1), of the class capsules.
        targets: (B,) int, the class that is there.
        weights: (K,) float, at least one of them above 0; all alike without.

    Returns:
        A scalar, at least 0.
    """
    there = one_hot(targets, lengths.shape[1]).to(lengths)
    missed = (PRESENT - lengths).clamp(min=0).square()
    imagined = (lengths - ABSENT).clamp(min=0).square()
    losses = (there * missed + LIGHT * (1 - there) * imagined).sum(dim=1)
    if weights is None:
        return losses.mean()
    own = weights[targets]
    return (own * losses).sum() / own.sum()
