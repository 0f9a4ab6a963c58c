"""What is decided about the versions of the networks."""

from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone

from diagnosis.grading.weights_archive import pack
from diagnosis.grading.weights_folder import open_weights
from diagnosis.models import STEPS, ModelVersion, Standing
from diagnosis.permissions import check_may_manage_models
from diagnosis.steps import record_step
from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from records.content import content_store

EVENTS = {
    Standing.REGISTERED: Event.MODEL_REGISTERED,
    Standing.SHADOW: Event.MODEL_SHADOWED,
    Standing.ACTIVE: Event.MODEL_ACTIVATED,
    Standing.RETIRED: Event.MODEL_RETIRED,
}
"""By standing: what it is to come there."""
LONGEST_NAME, LONGEST_APPROVAL = 60, 200


def register_version(
    *, folder: Path, intended_use: str, warnings: str, approved_by: str
) -> ModelVersion:
    """Make a folder of weights known as a version that may come to grade.

    Who may: whoever holds the machine on which the folder lies.
    Records: MODEL_REGISTERED, with the manifest's SHA-256 and the archive's CID.
    Effects: the files lie in the content store, unsealed: they hold no patient's
        content, and every worker and hospital may check them by digest and CID.

    Raises:
        WeightsRejected: a file is missing or changed, or there is no card.
        Refused: nobody says what it is for, what to beware of or who approved it;
            or the digest or the name belongs to a version already.
        StoreUnavailable: the content store does not answer; nothing is recorded.
    """
    weights = open_weights(folder)
    new = ModelVersion(
        name=weights.manifest.version.strip(),
        weights_sha256=weights.sha256,
        card=weights.card,
        intended_use=intended_use.strip(),
        warnings=warnings.strip(),
        approved_by=approved_by.strip(),
    )
    _check_words(new)
    _check_is_new(new)
    new.cid = str(content_store().put(pack(weights)))
    try:
        with transaction.atomic():
            new.save(force_insert=True)
            record_step(new, EVENTS[Standing.REGISTERED], by=None)
    except IntegrityError as error:
        raise Refused(f"{new.name} was registered at the same moment.") from error
    return new


@transaction.atomic
def shadow_version(*, version: ModelVersion, reason: str, by: Acting | None) -> None:
    """Let a version grade beside the active one, unseen by doctors.

    Who may: who manages the models; whoever holds the machine (``by=None``).
    Records: MODEL_SHADOWED.

    Raises:
        Refused: not allowed, no reason, its standing does not lead there, or another
            version is in shadow mode.
    """
    check_may_manage_models(by)
    held = _hold(version, Standing.SHADOW, reason)
    others = ModelVersion.objects.filter(standing=Standing.SHADOW)
    if (other := others.first()) is not None:
        raise Refused(
            f"{other} is in shadow mode; activate or retire it before another follows."
        )
    _move(held, Standing.SHADOW, reason, by)


@transaction.atomic
def activate_version(*, version: ModelVersion, reason: str, by: Acting | None) -> None:
    """Let a version grade from the next image on, in place of the active one.

    Who may: who manages the models; whoever holds the machine (``by=None``).
    Records: MODEL_ACTIVATED, and MODEL_RETIRED for the one before.
    Effects: workers notice before their next job; grades that are there stay, each
        with the version that gave it.

    Raises:
        Refused: not allowed, no reason, its standing does not lead there, or it was
            not in shadow mode though another version is active.
    """
    check_may_manage_models(by)
    held = _hold(version, Standing.ACTIVE, reason)
    before = ModelVersion.objects.filter(standing=Standing.ACTIVE).first()
    if before and held.standing != Standing.SHADOW and not held.has_graded:
        raise Refused(
            f"{held} has never graded: try it in shadow mode beside {before} first."
        )
    if before:
        _move(before, Standing.RETIRED, reason, by)
    held.activated_at = timezone.now()
    _move(held, Standing.ACTIVE, reason, by)


@transaction.atomic
def retire_version(*, version: ModelVersion, reason: str, by: Acting | None) -> None:
    """Let a version grade no more.

    Who may: who manages the models; whoever holds the machine (``by=None``).
    Records: MODEL_RETIRED.
    Effects: after the active one nothing is graded until another is activated; jobs
        say so and can be tried again.

    Raises:
        Refused: not allowed, no reason, or it is retired already.
    """
    check_may_manage_models(by)
    _move(_hold(version, Standing.RETIRED, reason), Standing.RETIRED, reason, by)


def _hold(version: ModelVersion, to: Standing, reason: str) -> ModelVersion:
    """The version as it is now, locked with all others: one decision at a time."""
    if not reason.strip():
        raise Refused("Say why; the reason is kept with the version.")
    rows = ModelVersion.objects.select_for_update().order_by("pk")
    held = {row.pk: row for row in rows}[version.pk]
    if to not in STEPS[Standing(held.standing)]:
        now, then = (s.label.lower() for s in (Standing(held.standing), to))
        raise Refused(f"{held} is {now} and cannot become {then}.")
    return held


def _move(held: ModelVersion, to: Standing, reason: str, by: Acting | None) -> None:
    held.standing = to
    held.save(update_fields=["standing", "activated_at"])
    record_step(held, EVENTS[to], by=by, reason=reason.strip())


def _check_words(new: ModelVersion) -> None:
    if not 0 < len(new.name) <= LONGEST_NAME:
        raise Refused(
            f"A version's name has 1 to {LONGEST_NAME} characters; this one is"
            f" {new.name!r}."
        )
    if not (new.intended_use and new.warnings and new.approved_by):
        raise Refused(
            "Say what the version is for, what to beware of and who approved it."
        )
    if len(new.approved_by) > LONGEST_APPROVAL:
        raise Refused(f"Who approved it takes up to {LONGEST_APPROVAL} characters.")


def _check_is_new(new: ModelVersion) -> None:
    same = ModelVersion.objects.filter(weights_sha256=new.weights_sha256).first()
    if same:
        raise Refused(f"These weights are registered already, as {same}.")
    if ModelVersion.objects.filter(name=new.name).exists():
        raise Refused(
            f"There is a version {new.name} with other weights already. Give these a"
            " version of their own in weights.json: a grade names its version."
        )
