"""Wavelet transforms of image batches by PyWavelets' filters."""

from functools import lru_cache

import numpy as np
import pywt
import torch
from numpy.typing import NDArray
from torch import Tensor

from diagnosis.networks.errors import ShapeError, UnknownWavelet
from diagnosis.networks.wavelet import Bands, haar_dwt, haar_idwt, made_even

WAVELETS: tuple[str, ...] = tuple(pywt.wavelist(kind="discrete"))


def dwt(images: Tensor, wavelet: str = "haar") -> Bands:
    """Split a batch into its four bands, going round at the edges.

    Equal to ``pywt.dwt2(images, wavelet, mode="periodization")``, the mode whose
    bands have half the side whatever the filter's length.

    Args:
        images: (B, C, H, W) float. Where H or W is odd, the last row or column
            is replicated first.
        wavelet: one of ``WAVELETS``.

    Returns:
        Four (B, C, ⌈H/2⌉, ⌈W/2⌉) tensors.

    Raises:
        ShapeError: the tensor has not four axes.
        UnknownWavelet: PyWavelets has no discrete wavelet of that name.
    """
    if wavelet == "haar":
        return haar_dwt(images)
    images = made_even(images)
    rows, columns = (
        torch.from_numpy(_matrices(wavelet, side)[0]).to(images)
        for side in images.shape[2:]
    )
    low, high = (rows @ images @ columns.mT).chunk(2, dim=-1)
    (ca, ch), (cv, cd) = low.chunk(2, dim=-2), high.chunk(2, dim=-2)
    return Bands(ca=ca, ch=ch, cv=cv, cd=cd)


def idwt(bands: Bands, wavelet: str = "haar") -> Tensor:
    """Put the bands of ``dwt`` together again: (B, C, H/2, W/2) × 4 → (B, C, H, W).

    Raises:
        ShapeError: the four bands differ in shape.
        UnknownWavelet: PyWavelets has no discrete wavelet of that name.
    """
    if wavelet == "haar":
        return haar_idwt(bands)
    if len({tuple(band.shape) for band in bands}) != 1:
        raise ShapeError("The four bands must have one shape.")
    whole = torch.cat(
        (torch.cat((bands.ca, bands.cv), -1), torch.cat((bands.ch, bands.cd), -1)), -2
    )
    rows, columns = (
        torch.from_numpy(_matrices(wavelet, side)[1]).to(whole)
        for side in whole.shape[2:]
    )
    return rows.mT @ whole @ columns


Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


@lru_cache(maxsize=64)
def _matrices(wavelet: str, side: int) -> Pair:
    """Analysis and synthesis of N samples as (N, N): low-pass rows, then high-pass.

    Each row holds a filter, two samples further than the row above. The products
    cost more than convolving, and run several times faster on sides such as ours.
    """
    if wavelet not in WAVELETS:
        raise UnknownWavelet(
            f"There is no discrete wavelet {wavelet!r}; haar, db2, sym4, coif1 and"
            " bior2.2 are some (diagnosis.networks.filter_bank.WAVELETS has all)."
        )
    bank = pywt.Wavelet(wavelet)
    # PyWavelets convolves; its analysis filters lie in the rows read backwards.
    analysis = [_rows(taps[::-1], side) for taps in (bank.dec_lo, bank.dec_hi)]
    synthesis = [_rows(taps, side) for taps in (bank.rec_lo, bank.rec_hi)]
    return np.concatenate(analysis), np.concatenate(synthesis)


def _rows(taps: list[float], side: int) -> NDArray[np.float64]:
    """(N/2, N): one filter at every second sample, going round at the edges."""
    step = np.arange(side // 2)[:, None]
    place = (2 * step + 1 - len(taps) // 2 + np.arange(len(taps))) % side
    rows = np.zeros((side // 2, side))
    # A filter longer than the image meets a sample more than once.
    np.add.at(rows, (step, place), taps)
    return rows
