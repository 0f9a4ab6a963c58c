"""The answer to a STOW-RS request (PS3.18 §10.5.3 and annex I)."""

from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from diagnosis.receiving.statuses import Outcome

ALL_KEPT, SOME_KEPT, NONE_KEPT = 200, 202, 409


def status_of(outcomes: Sequence[Outcome]) -> int:
    """200 where all are kept, 202 where some are, 409 where none is."""
    kept = sum(outcome.is_kept for outcome in outcomes)
    if kept == len(outcomes):
        return ALL_KEPT
    return SOME_KEPT if kept else NONE_KEPT


def store_response(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The Store Instances Response as DICOM JSON (PS3.18 annex F).

    What cannot be named by its UIDs stands under Other Failures. Beside each reason,
    Text Value holds it in words.
    """
    answer = Dataset()
    lists = {
        "ReferencedSOPSequence": [o for o in outcomes if o.is_kept],
        "FailedSOPSequence": [o for o in outcomes if not o.is_kept and o.instance],
        "OtherFailuresSequence": [
            o for o in outcomes if not o.is_kept and not o.instance
        ],
    }
    for keyword, found in lists.items():
        if found:
            setattr(answer, keyword, Items([_item(outcome) for outcome in found]))
    written: dict[str, Any] = answer.to_json_dict()
    return written


def _item(outcome: Outcome) -> Dataset:
    item = Dataset()
    if outcome.instance:
        item.ReferencedSOPClassUID = outcome.sop_class
        item.ReferencedSOPInstanceUID = outcome.instance
    if not outcome.is_kept:
        item.FailureReason = outcome.reason
        item.TextValue = outcome.sentence
    return item
