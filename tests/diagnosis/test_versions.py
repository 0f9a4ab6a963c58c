"""A version goes where its table of steps says, one active at a time, all on the ledger."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from diagnosis import first_version
from diagnosis.actions.versions import (
    EVENTS,
    activate_version,
    register_version,
    retire_version,
    shadow_version,
)
from diagnosis.first_version import ensure_version
from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.manifest import DEFAULT_WEIGHTS
from diagnosis.grading.weights_archive import unpack
from diagnosis.models import STEPS, ModelStep, ModelVersion, Standing
from ledger.commitments import meta_commitment
from ledger.events import Event
from ledger.history import statement
from portal.errors import Refused
from portal.keys import signer
from portal.row_security import UPKEEP, in_the_name_of
from records.content import content_store
from records.storage.cids import parse_cid
from tests.cast import Cast
from tests.diagnosis.weights import SHIPPED, registered, weights_named

Act = Callable[..., None]
ACTS: dict[Standing, Act] = {
    Standing.SHADOW: shadow_version,
    Standing.ACTIVE: activate_version,
    Standing.RETIRED: retire_version,
}
WHY = "The committee decided it."


def reread(version: ModelVersion) -> ModelVersion:
    return ModelVersion.objects.get(pk=version.pk)


def events_of(version: ModelVersion) -> list[Event]:
    return [Event(step.event) for step in version.steps.order_by("at")]


# Steps


@pytest.mark.parametrize("start", Standing)
@pytest.mark.parametrize("end", ACTS)
def test_every_step_from_every_standing(cast: Cast, start: Standing, end: Standing):
    if start is Standing.ACTIVE:
        version = cast.version
    else:
        version = cast.other_version(start)
        if (start, end) == (Standing.REGISTERED, Standing.ACTIVE):
            retire_version(version=cast.version, reason=WHY, by=cast.petra)
        if (start, end) == (Standing.RETIRED, Standing.ACTIVE):
            ModelVersion.objects.filter(pk=version.pk).update(
                activated_at=timezone.now()
            )
    if end in STEPS[start]:
        ACTS[end](version=version, reason=WHY, by=cast.sven)
        assert reread(version).standing == end
        assert events_of(version)[-1] == EVENTS[end]
    else:
        with pytest.raises(Refused):
            ACTS[end](version=version, reason=WHY, by=cast.sven)
        assert reread(version).standing == start


def test_a_version_that_never_graded_goes_through_shadow_mode(cast: Cast):
    version = cast.other_version()
    with pytest.raises(Refused, match=f"try it in shadow mode beside {SHIPPED} first"):
        activate_version(version=version, reason=WHY, by=cast.sven)
    shadow_version(version=version, reason=WHY, by=cast.sven)
    activate_version(version=version, reason=WHY, by=cast.sven)
    assert cast.version == version


def test_going_back_to_an_earlier_version(cast: Cast):
    first, second = cast.version, cast.other_version(Standing.SHADOW)
    activate_version(version=second, reason=WHY, by=cast.sven)
    assert reread(first).standing == Standing.RETIRED
    activate_version(version=first, reason="The new one is worse.", by=cast.petra)
    assert cast.version == first
    assert reread(second).standing == Standing.RETIRED
    assert events_of(first) == [
        Event.MODEL_REGISTERED,
        Event.MODEL_ACTIVATED,
        Event.MODEL_RETIRED,
        Event.MODEL_ACTIVATED,
    ]


def test_one_version_at_a_time_is_in_shadow_mode(cast: Cast):
    cast.other_version(Standing.SHADOW)
    second = registered("third-1")
    with pytest.raises(Refused, match="other-1 is in shadow mode"):
        shadow_version(version=second, reason=WHY, by=cast.sven)


@pytest.mark.parametrize("name", ["grace", "bea", "ada", "boris"])
@pytest.mark.parametrize("act", ACTS.values(), ids=lambda act: act.__name__)
def test_nobody_else_decides(cast: Cast, name: str, act: Act):
    version = cast.other_version()
    with pytest.raises(Refused, match="Only the diagnosis service's staff"):
        act(version=version, reason=WHY, by=cast.acting(name))
    assert reread(version).standing == Standing.REGISTERED


@pytest.mark.parametrize("act", ACTS.values(), ids=lambda act: act.__name__)
def test_nothing_is_decided_without_a_reason(cast: Cast, act: Act):
    with pytest.raises(Refused, match="Say why"):
        act(version=cast.other_version(), reason=" \n", by=cast.sven)


# On the ledger


def test_a_step_says_digest_and_cid_and_commits_to_who_and_why(cast: Cast):
    version = cast.other_version(Standing.SHADOW)
    activate_version(version=version, reason=WHY, by=cast.sven)
    step = version.steps.get()
    said = statement(bytes(step.statement_id))
    assert said
    assert said.kind == Event.MODEL_ACTIVATED
    assert said.key_commit.hex() == version.weights_sha256
    assert said.cid == bytes(parse_cid(version.cid))
    assert said.author_key_id == signer(cast.service.holder_id).key_id
    assert step.metadata == {
        "version": "other-1",
        "reason": WHY,
        "actor": cast.sven.user.pk,
    }
    assert said.meta_commit == meta_commitment(bytes(step.salt), step.metadata)


def test_the_platform_s_admin_signs_for_the_platform(cast: Cast):
    with in_the_name_of(cast.petra.party):
        retire_version(version=cast.version, reason=WHY, by=cast.petra)
    step = ModelStep.objects.get(event=Event.MODEL_RETIRED)
    said = statement(bytes(step.statement_id))
    assert said
    assert cast.petra.institution
    assert said.author_key_id == signer(cast.petra.institution.holder_id).key_id


# The database


@pytest.mark.parametrize("standing", [Standing.ACTIVE, Standing.SHADOW])
def test_the_database_takes_no_second_one(cast: Cast, standing: Standing):
    cast.other_version(Standing.SHADOW)
    third = registered("third-1")
    with pytest.raises(IntegrityError, match=r"one_active_version|one_version_in"):
        ModelVersion.objects.filter(pk=third.pk).update(
            standing=standing, activated_at=timezone.now()
        )


@pytest.mark.parametrize("field", ["name", "weights_sha256", "cid", "card", "warnings"])
def test_the_database_keeps_what_a_version_is(cast: Cast, field: str):
    with pytest.raises(DatabaseError, match="does not change"), transaction.atomic():
        ModelVersion.objects.update(**{field: "ef" * 32 if "sha" in field else "x"})


def test_two_activations_at_once_leave_one_active(committed_cast: Cast):
    cast = committed_cast
    first = cast.version
    second, third = (registered(name) for name in ("second-1", "third-1"))
    for version in (second, third):  # both have graded before
        shadow_version(version=version, reason=WHY, by=cast.sven)
        activate_version(version=version, reason=WHY, by=cast.sven)
    activate_version(version=first, reason=WHY, by=cast.sven)
    both, troubles = threading.Barrier(2), []

    def activate(version: ModelVersion) -> None:
        try:
            with in_the_name_of(UPKEEP):
                both.wait(timeout=10)
                activate_version(version=version, reason="At once.", by=cast.sven)
        except Refused as refusal:
            troubles.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=activate, args=[v]) for v in (second, third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not troubles
    standings = sorted(ModelVersion.objects.values_list("standing", flat=True))
    assert standings == ["active", "retired", "retired"]
    steps = ModelStep.objects.filter(metadata__reason="At once.")
    told = sorted(steps.values_list("event", flat=True))
    assert told == [Event.MODEL_ACTIVATED] * 2 + [Event.MODEL_RETIRED] * 2


# Registering


def test_a_version_is_known_by_digest_and_its_files_lie_in_the_store(
    cast: Cast, tmp_path: Path
):
    version = registered("second-1")
    into = tmp_path / "fetched"
    archive = content_store().read(parse_cid(version.cid))
    unpack(archive, into=into, sha256=version.weights_sha256)
    folder = weights_named("second-1")
    names = {file.name for file in folder.iterdir()}
    assert {file.name for file in into.iterdir()} == names
    for name in names:
        assert (into / name).read_bytes() == (folder / name).read_bytes()
    assert version.card == (folder / "MODEL_CARD.md").read_text()
    assert events_of(version) == [Event.MODEL_REGISTERED]


def test_the_same_weights_are_not_registered_twice(cast: Cast):
    with pytest.raises(Refused, match=f"registered already, as {SHIPPED}"):
        register(DEFAULT_WEIGHTS)


def test_other_weights_need_another_name(cast: Cast):
    with pytest.raises(Refused, match=f"There is a version {SHIPPED} with other"):
        register(weights_named(SHIPPED, alpha=0.2))


def test_weights_that_were_tampered_with_are_refused(cast: Cast, tmp_path: Path):
    folder = tmp_path / "tampered"
    folder.mkdir()
    for file in weights_named("second-1").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    network = folder / "classifier.safetensors"
    content = bytearray(network.read_bytes())
    content[-1] ^= 1
    network.write_bytes(content)
    with pytest.raises(WeightsRejected, match="SHA-256 differs"):
        register(folder)
    with pytest.raises(CommandError, match="SHA-256 differs"):
        command(folder)
    assert not ModelVersion.objects.filter(name="second-1").exists()


@pytest.mark.parametrize("word", ["intended_use", "warnings", "approved_by"])
def test_every_word_is_needed(cast: Cast, word: str):
    with pytest.raises(Refused, match="what to beware of and who approved it"):
        register(weights_named("second-1"), **{word: " "})


def register(folder: Path, **words: Any) -> ModelVersion:
    said = {"intended_use": "a", "warnings": "b", "approved_by": "c", **words}
    return register_version(folder=folder, **said)


def command(folder: Path) -> None:
    call_command(
        *("register_model", str(folder), "--intended-use", "Comparing."),
        *("--warnings", "None.", "--approved-by", "Ada"),
    )


@pytest.mark.slow
def test_commands_register_and_steer(cast: Cast, capsys: pytest.CaptureFixture[str]):
    command(weights_named("second-1"))
    said = capsys.readouterr().out
    version = ModelVersion.objects.get(name="second-1")
    assert version.weights_sha256 in said
    assert version.cid in said
    call_command("steer_model", "second-1", "shadow", "--reason", WHY)
    call_command("steer_model", "second-1", "activate", "--reason", WHY)
    assert cast.version == version
    capsys.readouterr()
    call_command("steer_model")
    listed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(name, standing) for name, standing, _digest in listed] == [
        ("second-1", "active"),
        (SHIPPED, "retired"),
    ]
    with pytest.raises(CommandError, match="There is no version third-1"):
        call_command("steer_model", "third-1", "retire", "--reason", WHY)
    with pytest.raises(CommandError, match="Say why"):
        call_command("steer_model", "second-1", "retire")


# A new site


def test_a_site_s_first_version_grades_at_once(cast: Cast):
    version = cast.version
    assert version.name == SHIPPED
    assert "Not for clinical use" in version.warnings
    assert events_of(version) == [Event.MODEL_REGISTERED, Event.MODEL_ACTIVATED]
    assert ensure_version() == ""


def test_a_site_without_a_service_waits(committed_db: str):
    assert ensure_version() == ""
    call_command("register_institution", "Service", kind="diagnosis_service")
    assert ModelVersion.objects.get().standing == Standing.ACTIVE


def test_weights_that_cannot_be_registered_do_not_stop_the_setup(
    committed_db: str, settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    settings.MODEL_DIR = tmp_path
    call_command("register_institution", "Service", kind="diagnosis_service")
    assert (
        "No version of the networks is active: There are no" in capsys.readouterr().out
    )
    assert not ModelVersion.objects.exists()
    settings.MODEL_DIR = weights_named("own-1")
    assert ensure_version() == "own-1 grades from now on."
    words = ModelVersion.objects.get()
    assert words.approved_by == first_version.GIVEN.approved_by
