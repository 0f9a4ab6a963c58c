"""A lung's answer with everything that explains it, in memory."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diagnosis.lung.errors import LungReportRejected
from diagnosis.lung.patient import RULE, Lengths, patient_probabilities
from diagnosis.lung.scale import Finding

FORMAT = "anamnesis-lung-report-1"


@dataclass(frozen=True)
class LungReport:
    """What the network says of one series.

    Attributes:
        finding: the likelier one; None where a person is asked instead.
        reason: why there is no finding, a sentence; None where there is one.
        lengths: of every slice in the order in which they lie; empty without a
            finding.
        slices: how many the series has.
        aerated: share of the series that is as dense as aired lung, 0 to 1.
        model_version: of the weights.
        weights_sha256: of the weights' manifest, hex.
        seconds: taken by each stage.

    Raises:
        LungReportRejected: the fields contradict each other.
    """

    finding: Finding | None
    reason: str | None
    lengths: Lengths
    slices: int
    aerated: float
    model_version: str
    weights_sha256: str
    seconds: Mapping[str, float]

    def __post_init__(self) -> None:
        _check(self)

    @property
    def probabilities(self) -> Mapping[Finding, float] | None:
        """Of both findings, adding up to 1; None without a finding."""
        return patient_probabilities(self.lengths) if self.finding else None

    def to_json(self) -> bytes:
        """The report as canonical JSON, UTF-8."""
        shares = self.probabilities
        fields = vars(self) | {
            "format": FORMAT,
            "rule": RULE,
            "lengths": [list(each) for each in self.lengths],
            "seconds": dict(self.seconds),
            "probabilities": None if shares is None else dict(shares),
        }
        return json.dumps(
            fields,
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        ).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "LungReport":
        """Read what ``to_json`` wrote.

        Raises:
            LungReportRejected: no JSON; a field missing, unknown or of another type;
                probabilities that do not follow from the slices.
        """
        try:
            report = cls._of(json.loads(content))
        except LungReportRejected:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LungReportRejected(f"This is no report: {error!r}.") from error
        if report.to_json() != content:
            raise LungReportRejected("The report contradicts itself, or is changed.")
        return report

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> "LungReport":
        if fields.pop("format") != FORMAT or fields.pop("rule") != RULE:
            raise LungReportRejected("This report is of another format or rule.")
        del fields["probabilities"]
        finding = fields.pop("finding")
        lengths = tuple((float(a), float(b)) for a, b in fields.pop("lengths"))
        return cls(
            finding=Finding(finding) if finding else None, lengths=lengths, **fields
        )


def _check(report: LungReport) -> None:
    found = report.finding is not None
    if found != (report.reason is None) or not (found or report.reason):
        raise LungReportRejected("There is either a finding or a reason for none.")
    if len(report.lengths) != (report.slices if found else 0):
        raise LungReportRejected("A finding needs the lengths of every slice.")
    if not all(0 <= length <= 1 for each in report.lengths for length in each):
        raise LungReportRejected("The lengths of capsules lie in 0…1.")
    shares = report.probabilities
    if shares and shares[report.finding or Finding.COVID] < max(shares.values()):
        raise LungReportRejected("The finding is not the likelier one.")
    if report.slices < 1 or not 0 <= report.aerated <= 1:
        raise LungReportRejected("A series has slices, and a share lies in 0…1.")
    digits = set(report.weights_sha256) <= set("0123456789abcdef")
    if not digits or len(report.weights_sha256) != 64:
        raise LungReportRejected("The weights' SHA-256 must be 64 hex digits.")
    if any(not (math.isfinite(s) and s >= 0) for s in report.seconds.values()):
        raise LungReportRejected("A stage cannot take a negative or endless time.")
