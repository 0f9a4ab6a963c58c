"""How much faster the wavelet transforms are than calling PyWavelets."""

import statistics
import time
from collections.abc import Callable

import pywt
import torch

from benchmarks.result import Result
from diagnosis.networks.filter_bank import dwt, idwt

ROUNDS = 100
SHAPE = (1, 64, 112, 112)  # what ResNet-W transforms


def measure() -> list[Result]:
    """PyWavelets' median time ÷ ours, turn by turn in one run; ours with inverse."""
    return [_faster("haar", 1.0), _faster("db2", 1.0), _faster("bior2.2", 1.0)]


def _faster(wavelet: str, goal: float | None) -> Result:
    images = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    pixels = images.numpy()

    def ours() -> object:
        return idwt(dwt(images, wavelet), wavelet)

    def theirs() -> object:
        bands = pywt.dwt2(pixels, wavelet, mode="periodization")
        return pywt.idwt2(bands, wavelet, mode="periodization")

    turns = [(_seconds(ours), _seconds(theirs)) for _ in range(ROUNDS)]
    mine, other = (statistics.median(column) for column in zip(*turns, strict=True))
    note = f"{wavelet} and back, {other * 1e3:.2f} ms ÷ {mine * 1e3:.2f} ms, 1×64×112²"
    return Result(f"{wavelet}: PyWavelets ÷ ours", other / mine, "×", goal, note, "≥")


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    with torch.inference_mode():
        call()
    return time.perf_counter() - started
