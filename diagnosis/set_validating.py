"""Makes the validation report of a finished run, on the hospital's side."""

import json
import logging
from typing import Any
from uuid import UUID

from diagnosis.actions.set_checks import note_validation_failure, record_validation
from diagnosis.grading.scale import Grade
from diagnosis.intake.outcomes import Status, from_json
from diagnosis.models import ModelVersion, Purpose, SetContent, SetRun, State
from diagnosis.set_results import SetResults
from diagnosis.set_sealing import put_sealed, read_content
from diagnosis.validation.card import CardFigures, card_figures
from diagnosis.validation.reporting import Answer, Earlier, validation_report
from portal.errors import PortalError
from portal.row_security import UPKEEP, examining, in_the_name_of
from records.storage.errors import StorageError

logger = logging.getLogger(__name__)


def validate(run_id: UUID) -> None:
    """Measure a run on the hospital's labels, unless that has been done.

    The labels never leave the hospital: the service graded pictures without them, and
    the hospital's own worker holds its answers against them here.
    """
    with in_the_name_of(UPKEEP):
        run = SetRun.objects.filter(
            pk=run_id, state=State.DONE, data_set__purpose=Purpose.VALIDATION
        ).first()
    if run is None:
        return
    with in_the_name_of(examining(run.data_set_id)):
        if not run.contents.filter(kind=SetContent.Kind.VALIDATION).exists():
            _validate(run)


def _validate(run: SetRun) -> None:
    try:
        report = _measured(run)
        sealed = put_sealed(
            run.data_set,
            SetContent.Kind.VALIDATION,
            [json.dumps(report, ensure_ascii=False).encode()],
            run=run,
        )
        record_validation(run=run, report=sealed)
    except (ValueError, PortalError, StorageError) as problem:
        logger.warning("Run %s was not measured: %s", run.correlation_id, problem)
        note_validation_failure(run=run, sentence=str(problem))


def _measured(run: SetRun) -> dict[str, Any]:
    outcomes = from_json(_opened(run, SetContent.Kind.MANIFEST))
    results = SetResults.from_json(_opened(run, SetContent.Kind.RESULTS)).results
    by_number = {result.number: result for result in results}
    answers = [
        Answer(
            label=Grade(outcome.label),
            group=outcome.group,
            grade=Grade(result.grade) if result.grade else None,
            probabilities=result.probabilities,
        )
        for outcome in outcomes
        if outcome.number and outcome.label
        if (result := by_number.get(outcome.number))
    ]
    skipped = [
        {"name": outcome.name, "sentence": outcome.sentence}
        for outcome in outcomes
        if outcome.status is Status.REFUSED
    ]
    report = validation_report(answers, card=_card(run), earlier=_earlier(run))
    return report | {
        "model_version": run.model_version,
        "weights_sha256": run.weights_sha256,
        "skipped": skipped,
    }


def _card(run: SetRun) -> CardFigures | None:
    """What the card of the version that graded the run says, if it says figures."""
    version = ModelVersion.objects.filter(weights_sha256=run.weights_sha256).first()
    return card_figures(version.card) if version else None


def _earlier(run: SetRun) -> list[Earlier]:
    """The hospital's reports before this one, the newest first."""
    others = SetContent.objects.filter(
        kind=SetContent.Kind.VALIDATION,
        data_set__institution=run.data_set.institution_id,
        run__ended_at__lt=run.ended_at,
    ).select_related("run__data_set__institution")
    return [
        _in_short(content.run, _json(content))
        for content in others.order_by("-run__ended_at")
        if content.run
    ]


def _in_short(run: SetRun, report: dict[str, Any]) -> Earlier:
    return Earlier(
        run=str(run.pk),
        at=run.ended_at.isoformat() if run.ended_at else "",
        title=run.data_set.title,
        model_version=report["model_version"],
        weights_sha256=report["weights_sha256"],
        images=report["images"],
        accuracy=report["accuracy_of_all"]["value"],
    )


def _json(content: SetContent) -> dict[str, Any]:
    owner = content.data_set.institution.holder_id
    found: dict[str, Any] = json.loads(read_content(content, owner))
    return found


def _opened(run: SetRun, kind: SetContent.Kind) -> bytes:
    contents = run.data_set.contents.filter(kind=kind)
    own = contents.filter(run=run).first() or contents.get(run=None)
    return read_content(own, run.data_set.institution.holder_id)
