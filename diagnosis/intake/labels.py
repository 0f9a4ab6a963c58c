"""Reads a grade however hospitals write it."""

import re

from diagnosis.grading.scale import Grade

_WRITTEN = re.compile(r"(?:sfu|grade|class)*(0-2|[0-4])")
_STEPS = {
    "0-2": Grade.SFU_0_2,
    "0": Grade.SFU_0_2,
    "1": Grade.SFU_0_2,
    "2": Grade.SFU_0_2,
    "3": Grade.SFU_3,
    "4": Grade.SFU_4,
}
KNOWN = ", ".join(Grade)


def parse_label(text: str) -> Grade | None:
    """The grade that a label means, such as 'SFU_3', 'sfu 0–2' or '1'; None for none."""
    plain = text.strip().casefold().replace("–", "-").replace("−", "-")
    written = _WRITTEN.fullmatch(re.sub(r"[\s_.:]|(?<![0-9])-", "", plain))
    return _STEPS[written[1]] if written else None
