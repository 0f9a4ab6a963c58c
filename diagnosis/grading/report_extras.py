"""What newer reports say besides, as JSON holds it."""

import base64
from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from diagnosis.grading.doubt import Doubt
from diagnosis.grading.errors import ReportRejected
from diagnosis.grading.mask_png import decode_mask, encode_mask
from diagnosis.grading.measurements import Measurements
from diagnosis.grading.referral import Referral

EXTRAS = frozenset(
    {"measurements", "doubt", "referral", "attention", "backend", "device"}
)
"""Fields that a report may lack: those from before they were known."""

MAX_ATTENTION_SIDE = 256


class Extras(TypedDict):
    """The optional fields of a report."""

    measurements: Measurements | None
    doubt: Doubt | None
    referral: Referral | None
    attention: npt.NDArray[np.uint8] | None
    backend: str | None
    device: str | None


def write_extras(extras: Extras) -> dict[str, Any]:
    """Only those that there are, so that an older report keeps its bytes."""
    measurements, doubt = extras["measurements"], extras["doubt"]
    attention, referral = extras["attention"], extras["referral"]
    fields: dict[str, Any] = {
        name: said
        for name in ("backend", "device")
        if (said := extras[name]) is not None
    }
    if measurements is not None:
        fields["measurements"] = measurements.to_fields()
    if doubt is not None:
        fields["doubt"] = doubt.to_fields()
    if referral is not None:
        fields["referral"] = referral.value
    if attention is not None:
        fields["attention"] = {
            "size": list(attention.shape),
            "png": base64.b64encode(encode_mask(attention)).decode(),
        }
    return fields


def read_extras(fields: Mapping[str, Any]) -> Extras:
    """Read what ``write_extras`` wrote; a field that is not there is None.

    Raises:
        KeyError, TypeError, ValueError, ReportRejected: it is something else.
    """
    measurements, doubt = fields.get("measurements"), fields.get("doubt")
    attention, referral = fields.get("attention"), fields.get("referral")
    return {
        "measurements": None
        if measurements is None
        else Measurements.of_fields(measurements),
        "doubt": None if doubt is None else Doubt.of_fields(doubt),
        "referral": None if referral is None else Referral(referral),
        "attention": None if attention is None else _attention(attention),
        "backend": _text_or_none(fields.get("backend")),
        "device": _text_or_none(fields.get("device")),
    }


def check_attention(attention: npt.NDArray[np.uint8] | None) -> None:
    """Refuse a map that is no small picture.

    Raises:
        ReportRejected: other axes, another type, or too large.
    """
    if attention is None:
        return
    fits = attention.ndim == 2 and 0 < max(attention.shape) <= MAX_ATTENTION_SIDE
    if not fits or attention.dtype != np.uint8 or not attention.size:
        raise ReportRejected(
            "Where the network looked is a grid of bytes of at most"
            f" {MAX_ATTENTION_SIDE} a side; this is {attention.dtype} {attention.shape}."
        )


def _text_or_none(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ReportRejected(f"{value!r} is not a text.")
    return value


def _attention(fields: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
    rows, columns = fields["size"]
    png = base64.b64decode(fields["png"], validate=True)
    return decode_mask(png, (rows, columns))
