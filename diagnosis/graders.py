"""Keeps warm the networks that grade now, and notices when others shall."""

import logging
from dataclasses import dataclass

from diagnosis.errors import NoActiveVersion
from diagnosis.grading.pipeline import Grader
from diagnosis.loading import load_grader
from diagnosis.models import ModelVersion, Standing
from diagnosis.weights_at_hand import folder_of
from portal.row_security import UPKEEP, in_the_name_of

logger = logging.getLogger(__name__)
_warm: dict[str, Grader] = {}
"""By the weights' digest, those in use; once per process."""


@dataclass(frozen=True)
class Shadow:
    """A version in shadow mode, with the active one that it stands beside."""

    version: ModelVersion
    beside: ModelVersion
    grader: Grader


def active() -> Grader:
    """The networks of the active version, loaded where they are not warm.

    Asks the database which version that is: call it for every job.

    Raises:
        NoActiveVersion: nothing may grade now.
        WeightsRejected, StorageError: the weights cannot be had.
    """
    return _warmed(_active(_in_use()))


def shadow() -> Shadow | None:
    """The version that grades beside the active one, if one does.

    Raises:
        NoActiveVersion, WeightsRejected, StorageError: as `active`.
    """
    versions = _in_use()
    if (version := versions.get(Standing.SHADOW)) is None:
        return None
    return Shadow(version, _active(versions), _warmed(version))


def warm_up() -> None:
    """Load what grades now, so that the first doctor need not wait for it."""
    try:
        with in_the_name_of(UPKEEP):
            active()
            shadow()
    except Exception:
        # The worker starts all the same: each job says what is wrong, in its words.
        logger.exception("The networks could not be loaded yet.")


def cool_down() -> None:
    """Forget what is loaded."""
    _warm.clear()


def _in_use() -> dict[Standing, ModelVersion]:
    """The versions that grade now; what others left behind is let go."""
    found = ModelVersion.objects.filter(standing__in=(Standing.ACTIVE, Standing.SHADOW))
    versions = {Standing(version.standing): version for version in found}
    used = {version.weights_sha256 for version in versions.values()}
    for digest in _warm.keys() - used:
        del _warm[digest]
    return versions


def _active(versions: dict[Standing, ModelVersion]) -> ModelVersion:
    if Standing.ACTIVE not in versions:
        raise NoActiveVersion(
            "No version of the networks is active now, so nothing can be graded. Try"
            " again when the diagnosis service has activated one."
        )
    return versions[Standing.ACTIVE]


def _warmed(version: ModelVersion) -> Grader:
    digest = version.weights_sha256
    if digest not in _warm:
        _warm[digest] = load_grader(folder_of(version))
    return _warm[digest]
