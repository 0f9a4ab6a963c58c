"""What went wrong with one instance, in the numbers that DICOM has for it."""

from dataclasses import dataclass

from diagnosis.imaging.errors import ImageRefused
from diagnosis.receiving.identity import Identity, identify, names
from diagnosis.receiving.keeping import keep
from portal.errors import Refused
from records.actions.receiving import DifferentImage
from records.models import Device

SUCCESS = 0x0000
DUPLICATE_INSTANCE = 0x0111
NOT_AUTHORIZED = 0x0124
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
"""PS3.7 annex C and PS3.4 table B.2-1; PS3.18 takes its failure reasons from there."""


@dataclass(frozen=True)
class Outcome:
    """What became of one instance."""

    reason: int
    sentence: str = ""
    sop_class: str = ""
    instance: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it is in the history, now or since before."""
        return self.reason == SUCCESS


def keep_instance(device: Device, data: bytes, *, study: str = "") -> Outcome:
    """Keep one DICOM instance, or say why not.

    Args:
        device: recognised.
        data: a DICOM file.
        study: its Study Instance UID must be this one, if one is named.

    Raises:
        KeyUnavailable, StoreUnavailable: nothing is recorded; it can be sent again.
    """
    try:
        identity = identify(data)
    except ImageRefused as refusal:
        return Outcome(CANNOT_UNDERSTAND, refusal.sentence, *names(data))
    if identity.format != "dicom":
        return Outcome(CANNOT_UNDERSTAND, "This is no DICOM file.")
    if study and identity.study != study:
        sentence = "This instance is of another study than the address names."
        return _of(DOES_NOT_MATCH, sentence, identity)
    try:
        keep(device, data, identity)
    except DifferentImage as refusal:
        return _of(DUPLICATE_INSTANCE, str(refusal), identity)
    except Refused as refusal:
        return _of(NOT_AUTHORIZED, str(refusal), identity)
    return _of(SUCCESS, "", identity)


def _of(reason: int, sentence: str, identity: Identity) -> Outcome:
    return Outcome(reason, sentence, identity.sop_class, identity.instance)
