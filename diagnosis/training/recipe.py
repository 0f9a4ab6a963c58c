"""The whole recipe of a pair of networks."""

from dataclasses import dataclass, field

from diagnosis.networks.catalogue import Width
from diagnosis.training.classification import ClassificationRecipe
from diagnosis.training.segmentation import SegmentationRecipe


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out.

    Attributes:
        seed: of initial weights, order and augmentation.
        per_grade: training phantoms of each grade.
        without: training phantoms without a kidney.
        phantoms_of_each: an epoch draws one phantom of so many.
        real_per_exam: real frames of an exam and label that an epoch draws.
        grown_of_each: real normal frames of an exam that are grown into.
        grown_per_exam: frames grown into an exam that an epoch draws.
        held_out: phantoms of each grade, and as many without a kidney, to
            measure on.
        width: of both networks.
        segmentation: the segmenter's schedule.
        classification: the classifier's schedule.
    """

    seed: int = 0
    per_grade: int = 220
    without: int = 220
    phantoms_of_each: int = 12
    real_per_exam: int = 8
    grown_of_each: int = 2
    grown_per_exam: int = 1
    held_out: int = 60
    width: Width = Width.QUARTER
    segmentation: SegmentationRecipe = field(default_factory=SegmentationRecipe)
    classification: ClassificationRecipe = field(default_factory=ClassificationRecipe)
