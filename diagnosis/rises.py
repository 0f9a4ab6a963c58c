"""Finds where a figure that should stay has risen."""

from collections.abc import Sequence

GRADE_STEP = 1.0
"""A whole class of the three, in the grade that counts."""
FLUID_STEP = 0.1
"""A tenth of the kidney's area turned to fluid: the hydronephrosis index fell by 0.1.

About what lies between the averages of SFU II and III (0.839 and 0.730, Venkatesan
et al. 2009).
"""

ROUNDING = 1e-9


def rises(values: Sequence[float | None], step: float) -> list[bool]:
    """Mark where a figure stands at least a step above its lowest since the last mark.

    So a slow rise is marked, too, once for every step that it has climbed.

    Args:
        values: in the order of time; None where there is none.
        step: more than 0, in the values' unit.
    """
    marks: list[bool] = []
    lowest: float | None = None
    for value in values:
        risen = (
            value is not None
            and lowest is not None
            and value - lowest >= step - ROUNDING
        )
        marks.append(risen)
        if value is not None:
            lowest = value if risen or lowest is None else min(lowest, value)
    return marks
