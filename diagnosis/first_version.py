"""Gives a new site the version of the networks that grades first."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from diagnosis.actions.versions import activate_version, register_version
from diagnosis.grading.errors import GradingError
from diagnosis.grading.manifest import DEFAULT_WEIGHTS
from diagnosis.models import ModelVersion
from portal.errors import PortalError
from portal.models import Institution
from records.storage.errors import StorageError


@dataclass(frozen=True)
class Words:
    """What is said of a version that nobody registered by hand."""

    intended_use: str
    warnings: str
    approved_by: str


SHIPPED = Words(
    intended_use="Showing the whole path from an upload to a grade, for research.",
    warnings=(
        "Not for clinical use. The model card says what these networks have learnt"
        " from; nobody has tried them on the patients of this site."
    ),
    approved_by="The makers of Anamnesis, for demonstrations",
)
GIVEN = Words(
    intended_use="As its model card says.",
    warnings=(
        "Taken from MODEL_DIR when the site was set up; it was not tried beside"
        " another version."
    ),
    approved_by="Whoever set this site up",
)


def ensure_version() -> str:
    """Register MODEL_DIR and let it grade, where the site has no version at all.

    Safe to call again. Does nothing before there is a diagnosis service.

    Returns:
        what was done or what is in the way, a sentence; empty for nothing.
    """
    service = Institution.objects.filter(kind=Institution.Kind.DIAGNOSIS_SERVICE)
    if not service.exists() or ModelVersion.objects.exists():
        return ""
    try:
        return f"{register_first()} grades from now on."
    except (GradingError, PortalError, StorageError) as problem:
        return f"No version of the networks is active: {problem}"


@transaction.atomic
def register_first() -> ModelVersion:
    """Register the folder that MODEL_DIR names, and activate it.

    Raises:
        WeightsRejected, Refused, StorageError: as `register_version`.
    """
    words = SHIPPED if settings.MODEL_DIR == DEFAULT_WEIGHTS else GIVEN
    version = register_version(
        folder=settings.MODEL_DIR,
        intended_use=words.intended_use,
        warnings=words.warnings,
        approved_by=words.approved_by,
    )
    activate_version(version=version, reason="The first version of this site.", by=None)
    version.refresh_from_db()
    return version
