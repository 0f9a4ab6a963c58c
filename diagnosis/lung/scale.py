"""The two findings of the COVID paper."""

from enum import StrEnum


class Finding(StrEnum):
    """What the slices of a patient say, as the paper's data set CC-19 labels them.

    The value is what folders, files and reports write.
    """

    NON_COVID = "non-COVID"
    COVID = "COVID"

    @property
    def plain(self) -> str:
        """What the finding means, in words for families."""
        return _PLAIN[self]


_PLAIN = {
    Finding.NON_COVID: "the lungs do not look like those of patients with COVID-19",
    Finding.COVID: "the lungs look like those of patients with COVID-19",
}
