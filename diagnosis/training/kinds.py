"""The three kinds of frames that the default weights learn from.

Phantoms say where the kidney ends, real frames what fluid looks like, and frames with
grown hydronephrosis which grade it is. No kind says all three.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from diagnosis.grading.framing import Pixels, resize
from diagnosis.grading.scale import Grade
from diagnosis.training.data_set.masks import read_mask
from diagnosis.training.data_set.pictures import read_picture
from diagnosis.training.data_set.samples import Sample, at_most
from diagnosis.training.dataset import PhantomSet
from diagnosis.training.errors import DataSetRefused
from diagnosis.training.grown import FrameRejected, grow
from diagnosis.training.material import Floats, Material, Numbers

FLUID = 2
READERS = 4
SPREAD = 0.05  # of the root of a share of fluid, over which grades shade off


def phantom_frames(phantoms: PhantomSet, *, of_each: int) -> Material:
    """Phantoms: kidney, fluid and grade are exact. An epoch draws one of ``of_each``.

    They are kept at half their size, which is more than networks see of them.
    """
    count, (rows, columns) = len(phantoms), phantoms.frames.shape[1:]
    half = (rows // 2, columns // 2)
    return Material(
        [resize(frame, half) for frame in phantoms.frames],
        [resize(mask, half, nearest=True) for mask in phantoms.masks],
        np.ones(count, dtype=bool),
        np.stack([_certain(grade) for grade in phantoms.grades]),
        np.arange(count) // of_each,
        np.ones(count, dtype=int),
    )


def real_frames(samples: Sequence[Sample], *, normal: str, per_exam: int) -> Material:
    """Real frames: fluid is known, the kidney is not.

    A normal kidney is SFU 0-2; of others the frame itself says no grade.

    Args:
        samples: with label and mask.
        normal: the label of normal kidneys.
        per_exam: how many of an exam and label an epoch draws.

    Raises:
        DataSetRefused: a file is damaged, or there is no mask.
    """
    with ThreadPoolExecutor(READERS) as pool:
        read = list(pool.map(_read, samples))
    return Material(
        [frame for frame, _ in read],
        [mask for _, mask in read],
        np.zeros(len(read), dtype=bool),
        np.stack(
            [
                _certain(Grade.SFU_0_2 if sample.label == normal else None)
                for sample in samples
            ]
        ),
        _numbered([f"{sample.group} {sample.label}" for sample in samples]),
        np.full(len(read), per_exam),
    )


def grown_frames(real: Material, *, of_each: int, per_exam: int, seed: int) -> Material:
    """Hydronephrosis of every grade in real normal kidneys: fluid and grade exact.

    Args:
        real: of which those that are SFU 0-2 and without fluid are grown into.
        of_each: how many frames of an exam are used.
        per_exam: how many of what was grown into an exam an epoch draws.
        seed: of the first frame; each further one takes the next.
    """
    normal = (real.grades[:, 0] == 1) & (real.shares == 0)
    chosen = at_most(
        np.flatnonzero(normal).tolist(),
        exam_of=lambda number: int(real.exams[number]),
        most_of=lambda _: of_each,
    )
    made = list(_grow(real, chosen, seed))
    return Material(
        [frame for frame, _, _, _ in made],
        [mask for _, mask, _, _ in made],
        np.zeros(len(made), dtype=bool),
        np.stack([_certain(grade) for _, _, grade, _ in made]),
        np.array([exam for _, _, _, exam in made]),
        np.full(len(made), per_exam),
    )


def graded_by_share(real: Material, grown: Material) -> Material:
    """Real frames with fluid, graded by how much of it there is.

    Nobody graded them. Of each grade the grown frames say how large a share of the
    frame its fluid takes; where several grades take such a share, all of them are
    probable (Parzen windows of ``SPREAD`` over the root of the share, grades alike
    beforehand). This is a stand-in for a grade and misses what a share cannot show.
    """
    shares, known = (np.sqrt(each.shares, dtype=float) for each in (real, grown))
    apart = (shares[:, None] - known[None]) / SPREAD
    near = np.exp(-(apart**2) / 2) @ (
        grown.grades / np.maximum(grown.grades.sum(axis=0), 1)
    )
    grades = near / near.sum(axis=1, keepdims=True)
    unsaid = np.isnan(real.grades[:, 0]) & (real.shares > 0)
    return Material(
        real.frames,
        real.masks,
        real.outlined,
        np.where(unsaid[:, None], grades, real.grades).astype(np.float32),
        real.exams,
        real.per_exam,
    )


def _certain(grade: Grade | None) -> Floats:
    if grade is None:
        return np.full(len(Grade), np.nan, dtype=np.float32)
    certain: Floats = np.eye(len(Grade), dtype=np.float32)[grade.output]
    return certain


def _read(sample: Sample) -> tuple[Pixels, Pixels]:
    if sample.mask is None:
        raise DataSetRefused(f"{sample.path} has no mask beside it.")
    colour = read_picture(sample.path)
    grey = np.asarray(Image.fromarray(colour).convert("L"))
    size = (grey.shape[0], grey.shape[1])
    fluid = read_mask(sample.mask, size, ("background", "hydronephrotic area"))
    return grey, (fluid * FLUID).astype(np.uint8)


def _grow(
    real: Material, chosen: Sequence[int], seed: int
) -> Iterator[tuple[Pixels, Pixels, Grade, int]]:
    for number in chosen:
        try:
            for grade in Grade:
                made = grow(real.frames[number], grade, seed + number)
                mask = (made.fluid * FLUID).astype(np.uint8)
                yield made.pixels, mask, grade, int(real.exams[number])
        except FrameRejected:
            continue


def _numbered(names: Sequence[str]) -> Numbers:
    return np.unique(names, return_inverse=True)[1]
