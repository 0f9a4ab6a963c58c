"""The three grades of the paper."""

from enum import StrEnum


class Grade(StrEnum):
    """Severity by the Society for Fetal Urology, in the paper's three steps.

    The value is what files, reports and commands write. The order of the
    members is the order of the classifier's outputs.
    """

    SFU_0_2 = "SFU 0-2"
    SFU_3 = "SFU 3"
    SFU_4 = "SFU 4"

    @property
    def plain(self) -> str:
        """What the grade means, in words for families."""
        return _PLAIN[self]

    @property
    def output(self) -> int:
        """Which of the classifier's outputs it is, from 0."""
        return list(Grade).index(self)


_PLAIN = {
    Grade.SFU_0_2: "no swelling of the kidney, or a mild one that rarely needs surgery",
    Grade.SFU_3: "clear swelling of the kidney, to be followed closely",
    Grade.SFU_4: "severe swelling of the kidney, often treated by surgery",
}
