"""Weights by which every class counts the same, however often it occurs."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def balancing(counts: npt.NDArray[np.number[Any]]) -> Tensor:
    """Weigh each class i of K by n ÷ (K nᵢ), one that does not occur by 0.

    Args:
        counts: (K,) the nᵢ, which add up to n.
    """
    even = counts.sum() / (len(counts) * np.maximum(counts, 1)) * (counts > 0)
    return torch.tensor(even, dtype=torch.float32)
