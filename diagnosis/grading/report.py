"""A grade with everything that explains it, in memory."""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from diagnosis.grading.doubt import Doubt
from diagnosis.grading.errors import ReportRejected
from diagnosis.grading.mask_png import MAX_PIXELS, decode_mask, encode_mask
from diagnosis.grading.measurements import Measurements
from diagnosis.grading.referral import Referral
from diagnosis.grading.report_extras import (
    EXTRAS,
    check_attention,
    read_extras,
    write_extras,
)
from diagnosis.grading.scale import Grade

FORMAT = "anamnesis-grade-report-1"
BACKGROUND, KIDNEY, FLUID = 0, 1, 2


@dataclass(frozen=True, eq=False)
class GradeReport:
    """What the networks say of one frame.

    Attributes:
        grade: None where no kidney was found, or where a person is asked instead.
        reason: why there is no grade, a sentence; None where there is one.
        probabilities: of every grade, adding up to 1; None without a grade.
        mask: (H, W) uint8 at the size of the input: 0 background, 1 kidney,
            2 hydronephrotic area. It is what the segmenter marked, even where
            that was too little to be a kidney.
        model_version: of the weights.
        weights_sha256: of the weights' manifest, hex.
        seconds: taken by each stage.
        measurements: of the mask; None where no kidney was found, and in reports
            from before there were any, as for all that follows.
        doubt: how the answer held when the picture was mirrored and lit otherwise.
        referral: why a person is asked instead; None with a grade.
        attention: (h, w) uint8 over the whole image, 255 where the classifier looked
            most for its grade; much smaller than the image. No evidence of anything.
        backend: how the networks were run.
        device: on what: 'cpu', or the accelerator's model.

    Raises:
        ReportRejected: the fields contradict each other.
    """

    grade: Grade | None
    reason: str | None
    probabilities: Mapping[Grade, float] | None
    mask: npt.NDArray[np.uint8]
    model_version: str
    weights_sha256: str
    seconds: Mapping[str, float]
    measurements: Measurements | None = None
    doubt: Doubt | None = None
    referral: Referral | None = None
    attention: npt.NDArray[np.uint8] | None = None
    backend: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        _check_mask(self.mask)
        _check_grade(self.grade, self.reason, self.probabilities)
        digits = set(self.weights_sha256) <= set("0123456789abcdef")
        if not digits or len(self.weights_sha256) != 64:
            raise ReportRejected("The weights' SHA-256 must be 64 hex digits.")
        if any(not (math.isfinite(s) and s >= 0) for s in self.seconds.values()):
            raise ReportRejected("A stage cannot take a negative or endless time.")
        check_attention(self.attention)
        if self.measurements is not None:
            self.measurements.check_against(self.mask)
        if self.grade is not None and self.referral is not None:
            raise ReportRejected("What was referred to a person has no grade.")

    @cached_property
    def areas(self) -> tuple[int, int]:
        """Pixels of kidney tissue, pixels of fluid."""
        counts = np.bincount(self.mask.ravel(), minlength=3)
        return int(counts[KIDNEY]), int(counts[FLUID])

    @property
    def fluid_fraction(self) -> float:
        """Fluid ÷ the whole frame, 0 to 1."""
        return self.areas[1] / self.mask.size

    @property
    def kidney_fraction(self) -> float:
        """Kidney with its fluid ÷ the whole frame, 0 to 1."""
        return sum(self.areas) / self.mask.size

    @property
    def hydronephrosis_index(self) -> float | None:
        """1 − fluid ÷ (kidney + fluid); None where no kidney was found."""
        if self.grade is None or not sum(self.areas):
            return None
        return 1 - self.areas[1] / sum(self.areas)

    @property
    def expected_grade(self) -> float | None:
        """Σ k · p(k), with the grades counted 0, 1, 2; None without a grade."""
        if self.probabilities is None:
            return None
        return sum(grade.output * p for grade, p in self.probabilities.items())

    def to_json(self) -> bytes:
        """The report as canonical JSON, UTF-8, mask included."""
        return json.dumps(
            self._fields(),
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        ).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "GradeReport":
        """Read what ``to_json`` wrote.

        Raises:
            ReportRejected: no JSON; a field missing, unknown or of another
                type; a figure that does not follow from the mask.
        """
        fields = _parse(content)
        try:
            report = cls._of(fields)
        except ReportRejected:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ReportRejected(f"A field has the wrong type: {error}.") from error
        differing = [name for name in DERIVED if fields[name] != getattr(report, name)]
        if differing:
            raise ReportRejected(
                f"The report contradicts its own mask in {', '.join(differing)}."
            )
        return report

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> "GradeReport":
        _check_names(fields)
        probabilities = fields["probabilities"]
        if probabilities is not None:
            probabilities = {
                _grade(name): _number(share) for name, share in probabilities.items()
            }
        rows, columns = fields["size"]
        png = base64.b64decode(fields["mask"], validate=True)
        return cls(
            grade=None if fields["grade"] is None else _grade(fields["grade"]),
            reason=None if fields["reason"] is None else _text(fields["reason"]),
            probabilities=probabilities,
            mask=decode_mask(png, (rows, columns)),
            model_version=_text(fields["model_version"]),
            weights_sha256=_text(fields["weights_sha256"]),
            seconds={
                _text(stage): _number(taken)
                for stage, taken in fields["seconds"].items()
            },
            **read_extras(fields),
        )

    def _fields(self) -> dict[str, Any]:
        probabilities = self.probabilities
        return {
            "format": FORMAT,
            "grade": self.grade,
            "reason": self.reason,
            "probabilities": None if probabilities is None else dict(probabilities),
            "fluid_fraction": self.fluid_fraction,
            "kidney_fraction": self.kidney_fraction,
            "hydronephrosis_index": self.hydronephrosis_index,
            "size": list(self.mask.shape),
            "mask": base64.b64encode(encode_mask(self.mask)).decode(),
            "model_version": self.model_version,
            "weights_sha256": self.weights_sha256,
            "seconds": dict(self.seconds),
        } | write_extras(
            {
                "measurements": self.measurements,
                "doubt": self.doubt,
                "referral": self.referral,
                "attention": self.attention,
                "backend": self.backend,
                "device": self.device,
            }
        )


FIELDS = frozenset(
    {
        "format", "grade", "reason", "probabilities", "fluid_fraction",
        "kidney_fraction", "hydronephrosis_index", "size", "mask", "model_version",
        "weights_sha256", "seconds",
    }
)  # fmt: skip


DERIVED = ("fluid_fraction", "kidney_fraction", "hydronephrosis_index")


def _parse(content: bytes) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = json.loads(
            content, parse_constant=_refuse_constant, object_pairs_hook=_once
        )
    except ReportRejected:
        raise
    except (ValueError, RecursionError) as error:
        raise ReportRejected(f"The report is not JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise ReportRejected("A report is one JSON object.")
    return fields


def _check_names(fields: dict[str, Any]) -> None:
    unknown, missing = set(fields) - FIELDS - EXTRAS, FIELDS - set(fields)
    if unknown or missing:
        raise ReportRejected(
            f"A report has the fields {', '.join(sorted(FIELDS))}; unknown here:"
            f" {', '.join(sorted(unknown)) or 'none'}; missing:"
            f" {', '.join(sorted(missing)) or 'none'}."
        )
    if fields["format"] != FORMAT:
        raise ReportRejected(f"Only reports of format {FORMAT} can be read here.")


def _grade(name: str) -> Grade:
    try:
        return Grade(name)
    except ValueError as error:
        raise ReportRejected(f"{name!r} is no grade ({', '.join(Grade)}).") from error


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ReportRejected(f"{value!r} is not a number.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ReportRejected(f"{value!r} is not a text.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ReportRejected(f"{name} has no place in a report.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ReportRejected("A field is named twice.")
    return fields


def _check_mask(mask: npt.NDArray[np.uint8]) -> None:
    if mask.ndim != 2 or mask.dtype != np.uint8 or not 0 < mask.size <= MAX_PIXELS:
        raise ReportRejected(
            f"A mask is a grid of bytes of at most {MAX_PIXELS:,} pixels; this is"
            f" {mask.dtype} {mask.shape}."
        )
    if mask.max() > FLUID:
        raise ReportRejected(f"A mask holds 0, 1, 2; this one holds {mask.max()}.")


def _check_grade(
    grade: Grade | None,
    reason: str | None,
    probabilities: Mapping[Grade, float] | None,
) -> None:
    if grade is None:
        if not reason or probabilities is not None:
            raise ReportRejected(
                "Without a grade there must be a reason, but no probabilities."
            )
        return
    if reason is not None or probabilities is None or set(probabilities) != set(Grade):
        raise ReportRejected(
            "With a grade there must be a probability for every grade, but no reason."
        )
    values = list(probabilities.values())
    if not all(0 <= value <= 1 for value in values) or abs(sum(values) - 1) > 1e-3:
        raise ReportRejected(
            f"Probabilities lie in 0…1, adding up to 1; these are {values}."
        )
