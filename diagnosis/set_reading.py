"""Opens what a hospital keeps of its data sets, for its pages."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from diagnosis.intake.outcomes import Outcome, Status, from_json
from diagnosis.models import DataSet, SetContent, SetRun
from diagnosis.set_results import Result
from diagnosis.set_sealing import read_content

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for a formula, were a file so named."""
COLUMNS = (
    "file", "label", "grade", "SFU 0-2", "SFU 3", "SFU 4", "fluid_fraction",
    "kidney_fraction", "reason", "model_version", "weights_sha256",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A picture's result beside its own name, which the service never had."""

    outcome: Outcome
    result: Result

    @property
    def percent(self) -> float | None:
        """How probable the networks hold their grade, 0 to 100."""
        shares, grade = self.result.probabilities, self.result.grade
        return 100 * shares[grade] if shares and grade else None


def outcomes_of(data_set: DataSet) -> list[Outcome]:
    """What became of each file: what to look at first; empty where nothing was opened."""
    manifest = data_set.contents.filter(kind=SetContent.Kind.MANIFEST).first()
    if manifest is None:
        return []
    order = [Status.REFUSED, Status.USED, Status.IGNORED]
    return sorted(
        from_json(_opened(manifest)),
        key=lambda o: (order.index(o.status), not o.sentence),
    )


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many files there are of each status, and of each label among those used."""
    found = list(outcomes)
    by_status = Counter(str(outcome.status) for outcome in found)
    by_label = Counter(o.label for o in found if o.number and o.label)
    return {**{str(s): by_status[s] for s in Status}, **dict(sorted(by_label.items()))}


def rows_of(run: SetRun, results: Sequence[Result]) -> list[Row]:
    """Each result beside the file it is about, in the set's order."""
    by_number = {o.number: o for o in outcomes_of(run.data_set) if o.number}
    return [
        Row(by_number[result.number], result)
        for result in results
        if result.number in by_number
    ]


def to_csv(run: SetRun, rows: Iterable[Row]) -> str:
    """The results as a table that spreadsheets open."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for row in rows:
        result, shares = row.result, row.result.probabilities or {}
        table.writerow(
            [
                _harmless(row.outcome.name),
                row.outcome.label or "",
                result.grade or "",
                *(shares.get(grade, "") for grade in COLUMNS[3:6]),
                result.fluid_fraction,
                result.kidney_fraction,
                result.reason or "",
                run.model_version,
                run.weights_sha256,
            ]
        )
    return out.getvalue()


def validation_of(run: SetRun) -> dict[str, Any] | None:
    """The run's validation report; None where there is none yet."""
    content = run.contents.filter(kind=SetContent.Kind.VALIDATION).first()
    if content is None:
        return None
    found: dict[str, Any] = json.loads(_opened(content))
    return found


def _opened(content: SetContent) -> bytes:
    owner = content.data_set.institution.holder_id
    return read_content(content, owner)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
