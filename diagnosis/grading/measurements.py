"""Areas and a diameter of a kidney and its fluid, read off the mask."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.grading.errors import ReportRejected

Step = tuple[float, float]
"""(x, y) in mm: how far two neighbouring pixels of a row and of a column lie apart."""

KIDNEY, FLUID = 1, 2


@dataclass(frozen=True)
class Measurements:
    """What a mask measures, in mm where the image is calibrated, else in pixels.

    Attributes:
        millimetres_per_pixel: (x, y) as the image's own file gives it; None where it
            gives none: then every length is in pixels and every area in pixels
            counted. A scale is never guessed.
        parenchyma_area: kidney tissue, without the fluid.
        fluid_area: the hydronephrotic area.
        pelvis_diameter: of the largest circle that fits into the fluid; 0 without
            fluid. It is no anteroposterior diameter, for which the probe must lie
            across the hilum: no mask tells how it lay.

    Raises:
        ReportRejected: a figure is negative or endless, or there is no kidney.
    """

    millimetres_per_pixel: Step | None
    parenchyma_area: float
    fluid_area: float
    pelvis_diameter: float

    def __post_init__(self) -> None:
        figures = (self.parenchyma_area, self.fluid_area, self.pelvis_diameter)
        if not all(math.isfinite(figure) and figure >= 0 for figure in figures):
            raise ReportRejected("No area or diameter can be negative or endless.")
        if self.kidney_area <= 0:
            raise ReportRejected("Nothing is measured where there is no kidney.")
        check_step(self.millimetres_per_pixel)

    @property
    def unit(self) -> str:
        """Of the diameter, 'mm' or 'pixels'; areas are in its square."""
        return "pixels" if self.millimetres_per_pixel is None else "mm"

    @property
    def kidney_area(self) -> float:
        """Tissue with the fluid in it."""
        return self.parenchyma_area + self.fluid_area

    @property
    def hydronephrosis_index(self) -> float:
        """1 − fluid ÷ kidney, 0 to 1: HI of Shapiro et al., Urology 2008;72:536.

        A healthy kidney is close to 1. Average of 1,207 kidneys: SFU I 0.893, II
        0.839, III 0.730, IV 0.546 (Venkatesan et al., Advances in Urology 2009).
        """
        return 1 - self.fluid_share

    @property
    def fluid_share(self) -> float:
        """Fluid ÷ kidney, 0 to 1; it rises as a hydronephrosis grows."""
        return self.fluid_area / self.kidney_area

    @property
    def fluid_to_parenchyma(self) -> float | None:
        """Fluid ÷ tissue: HARP of Song et al., Investig Clin Urol 2022;63:455.

        None where there is no tissue to divide by.
        """
        if not self.parenchyma_area:
            return None
        return self.fluid_area / self.parenchyma_area

    def to_fields(self) -> dict[str, Any]:
        """As JSON holds it."""
        step = self.millimetres_per_pixel
        return {
            "millimetres_per_pixel": None if step is None else list(step),
            "parenchyma_area": self.parenchyma_area,
            "fluid_area": self.fluid_area,
            "pelvis_diameter": self.pelvis_diameter,
        }

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> "Measurements":
        """Read what ``to_fields`` wrote.

        Raises:
            KeyError, TypeError, ValueError, ReportRejected: it is something else.
        """
        step = fields["millimetres_per_pixel"]
        if step is not None:
            across, down = step
            step = (float(across), float(down))
        found = cls(
            millimetres_per_pixel=step,
            parenchyma_area=float(fields["parenchyma_area"]),
            fluid_area=float(fields["fluid_area"]),
            pelvis_diameter=float(fields["pelvis_diameter"]),
        )
        if set(fields) != set(found.to_fields()):
            raise ReportRejected("A measurement is named that is not known here.")
        return found

    def check_against(self, mask: npt.NDArray[np.uint8]) -> None:
        """Refuse areas that do not follow from the mask.

        Raises:
            ReportRejected: they do not, or the diameter does not fit into the fluid.
        """
        tissue, fluid = areas(mask, self.millimetres_per_pixel)
        follow = math.isclose(tissue, self.parenchyma_area) and math.isclose(
            fluid, self.fluid_area
        )
        # A disc of pixels is never more than half a pixel wider than its area says.
        widest = 2 * math.sqrt(fluid / math.pi) + 2 * max(
            self.millimetres_per_pixel or (1.0, 1.0)
        )
        if not follow or self.pelvis_diameter > widest:
            raise ReportRejected("The measurements contradict the report's own mask.")


def measure(
    mask: npt.NDArray[np.uint8], millimetres_per_pixel: Step | None
) -> Measurements:
    """Measure a mask.

    Args:
        mask: (H, W) uint8: 0 background, 1 kidney tissue, 2 fluid, with a kidney.
        millimetres_per_pixel: (x, y) at the mask's own size; None if not known.

    Raises:
        ReportRejected: there is no kidney in it.
    """
    tissue, fluid = areas(mask, millimetres_per_pixel)
    return Measurements(
        millimetres_per_pixel=millimetres_per_pixel,
        parenchyma_area=tissue,
        fluid_area=fluid,
        pelvis_diameter=widest_circle(mask == FLUID, millimetres_per_pixel),
    )


def areas(
    mask: npt.NDArray[np.uint8], millimetres_per_pixel: Step | None
) -> tuple[float, float]:
    """Of kidney tissue and of fluid, in mm², or in pixels where no scale is known."""
    counts = np.bincount(mask.ravel(), minlength=FLUID + 1)
    across, down = millimetres_per_pixel or (1.0, 1.0)
    pixel = across * down
    return float(counts[KIDNEY] * pixel), float(counts[FLUID] * pixel)


def widest_circle(
    area: npt.NDArray[np.bool_], millimetres_per_pixel: Step | None
) -> float:
    """Diameter of the largest circle that fits into an area, in mm or pixels.

    Twice the largest distance from a pixel of the area to the nearest one outside,
    less the one pixel that lies beyond the border.

    Args:
        area: (H, W), true inside; what lies beyond the picture counts as outside.
        millimetres_per_pixel: (x, y), None for pixels.
    """
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    if not len(rows):
        return 0.0
    inside = area[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    across, down = millimetres_per_pixel or (1.0, 1.0)
    distance = ndimage.distance_transform_edt(
        np.pad(inside, 1), sampling=(down, across)
    )
    return float(max(2 * distance.max() - max(across, down), min(across, down)))


def check_step(step: Step | None) -> None:
    """Refuse what is no scale.

    Raises:
        ReportRejected: a step is not a positive number of millimetres.
    """
    if step is not None and not all(math.isfinite(mm) and mm > 0 for mm in step):
        raise ReportRejected("A pixel is some positive number of millimetres wide.")
