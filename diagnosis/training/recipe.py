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
        held_out: phantoms of each grade, and as many without a kidney, to
            measure on.
        width: of both networks.
        segmentation: the segmenter's schedule.
        classification: the classifier's schedule.
    """

    seed: int = 0
    per_grade: int = 220
    without: int = 220
    held_out: int = 60
    width: Width = Width.QUARTER
    segmentation: SegmentationRecipe = field(default_factory=SegmentationRecipe)
    classification: ClassificationRecipe = field(default_factory=ClassificationRecipe)
