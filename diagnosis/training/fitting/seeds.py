"""Seeds that depend on where training is, and on nothing before.

So a run that goes on after a kill draws what an unbroken one draws.
"""

import numpy as np
import torch


def generator_at(seed: int, *place: int) -> torch.Generator:
    """A generator for a place: epoch, step, process."""
    return torch.Generator().manual_seed(seed_at(seed, *place))


def seed_at(seed: int, *place: int) -> int:
    """Mix a seed with a place, 64 bits."""
    words = np.random.SeedSequence([seed, *place]).generate_state(2, np.uint32)
    return int(words[0]) << 31 | int(words[1]) >> 1
