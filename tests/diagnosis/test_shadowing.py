"""The worker grades with the active version, and beside it, unseen, with another."""

import logging
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from diagnosis import graders, shadowing, worker
from diagnosis.actions.requests import retry
from diagnosis.actions.shadows import keep_shadow, open_shadows
from diagnosis.actions.versions import (
    activate_version,
    retire_version,
    shadow_version,
)
from diagnosis.comparing import reports_about
from diagnosis.errors import NoActiveVersion
from diagnosis.grading.comparison import Answer, Pair
from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.manifest import DEFAULT_WEIGHTS
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade
from diagnosis.imaging.decoding import decode
from diagnosis.models import GradingJob, ModelVersion, ShadowResult, Standing, State
from diagnosis.training.phantoms import sample_image
from diagnosis.weights_at_hand import folder_of
from portal.actions.keys import renew_institution_keys
from portal.errors import Refused
from portal.row_security import grading, in_the_name_of
from records.content import content_store
from records.errors import RecordDamaged
from records.opening import unseal
from records.storage.cids import parse_cid
from records.storage.errors import StorageError
from tests.cast import Cast
from tests.diagnosis.weights import SHIPPED, registered

pytestmark = pytest.mark.slow
WHY = "To compare it."


@pytest.fixture(autouse=True)
def own_models(settings, tmp_path: Path) -> None:
    """No test finds what another one fetched."""
    settings.MODELS = tmp_path / "models"


@pytest.fixture
def blind(cast: Cast) -> ModelVersion:
    """A version in shadow mode that finds no kidney in anything."""
    return in_shadow(cast, registered("blind-1", least_area=1.0))


def in_shadow(cast: Cast, version: ModelVersion) -> ModelVersion:
    shadow_version(version=version, reason=WHY, by=cast.sven)
    version.refresh_from_db()
    return version


def graded(cast: Cast, job: GradingJob | None = None) -> GradingJob:
    job = job or cast.request()
    worker.run(job.pk)
    return GradingJob.objects.get(pk=job.pk)


def report_of(cast: Cast, job: GradingJob) -> GradeReport:
    assert job.report
    return GradeReport.from_json(unseal(job.report, cast.child.holder_id))


def kidney() -> Any:
    """A frame in which the shipped networks find a kidney."""
    return decode(sample_image(Grade.SFU_4, 1_000_500)).pixels


# Beside the active version


def test_a_job_is_graded_by_the_active_version_and_beside_it_unseen(
    cast: Cast, blind: ModelVersion, sign_in
):
    job = graded(cast)
    assert job.state == State.DONE
    assert job.model_version == SHIPPED
    assert report_of(cast, job).model_version == SHIPPED
    result = ShadowResult.objects.get()
    assert (result.version, result.beside) == (blind, cast.version)
    (pair,) = open_shadows(results=[result], by=cast.sven)
    assert pair.active == Answer.of(report_of(cast, job))
    assert pair.shadow == Answer(None, None)
    for name in ("bea", "boris"):
        for address in (reverse("jobs"), reverse("job", args=[job.pk])):
            assert "blind-1" not in sign_in(name).get(address).text


def test_what_is_kept_names_nobody_and_is_sealed(cast: Cast, blind: ModelVersion):
    job = graded(cast)
    row = ShadowResult.objects.values().get()
    kept = {name for name, value in row.items() if value is not None}
    assert kept == {
        *("id", "version_id", "beside_id", "day"),
        *("sealed", "wrapped_key", "key_id"),
    }
    text = b"".join(
        bytes(value) for value in row.values() if isinstance(value, bytes | memoryview)
    )
    for secret in (b"SFU", b"null", job.pk.bytes, job.image_id.bytes):
        assert secret not in text
    other = sealed_pair(cast, blind)
    sizes = {len(bytes(each.sealed or b"")) for each in (ShadowResult(**row), other)}
    assert len(sizes) == 1


def sealed_pair(cast: Cast, version: ModelVersion) -> ShadowResult:
    answer = Answer(Grade.SFU_3, (0.1, 0.8, 0.1))
    return keep_shadow(version=version, beside=cast.version, pair=Pair(answer, answer))


def test_without_a_version_in_shadow_mode_nothing_is_kept(cast: Cast):
    assert graded(cast).state == State.DONE
    assert not ShadowResult.objects.exists()


def test_a_shadow_that_fails_harms_no_job_and_is_counted(
    cast: Cast, blind: ModelVersion, monkeypatch: pytest.MonkeyPatch, caplog
):
    graders.active()
    shadow = graders.shadow()
    assert shadow

    def fails(*_: Any, **__: Any) -> GradeReport:
        raise MemoryError("No room for the mask.")

    monkeypatch.setattr(shadow.grader, "grade", fails)
    with caplog.at_level(logging.ERROR, "diagnosis.shadowing"):
        job = graded(cast)
    assert job.state == State.DONE
    assert job.failure == job.traceback == ""
    assert ShadowResult.objects.get().sealed is None
    assert "blind-1 failed in shadow mode" in caplog.text
    (report,) = reports_about(blind, by=cast.sven)
    assert (report.failed.count, report.failed.of) == (1, 1)


def test_a_shadow_whose_weights_cannot_be_had_harms_no_job(cast: Cast, caplog):
    in_shadow(cast, cast.other_version())
    job = graded(cast)
    assert job.state == State.DONE
    assert not ShadowResult.objects.exists()
    assert "Nothing is kept of the version in shadow mode." in caplog.text
    assert "another manifest than" in caplog.text


def test_what_cannot_be_kept_harms_no_job(
    cast: Cast, blind: ModelVersion, monkeypatch: pytest.MonkeyPatch
):
    def refuses(**_: Any) -> None:
        with transaction.atomic():
            ModelVersion.objects.update(name="x")

    monkeypatch.setattr(shadowing, "keep_shadow", refuses)
    assert graded(cast).state == State.DONE


def test_no_shadow_of_another_version_than_graded(cast: Cast, blind: ModelVersion):
    report = graders.active().grade(kidney())
    first = cast.version
    activate_version(version=blind, reason=WHY, by=cast.sven)
    in_shadow(cast, first)
    shadowing.grade_beside(kidney(), report)
    assert not ShadowResult.objects.exists()


# Which networks grade


def test_the_worker_notices_another_version_before_the_next_job(
    cast: Cast, blind: ModelVersion
):
    assert graded(cast).model_version == SHIPPED
    first = cast.version
    activate_version(version=blind, reason=WHY, by=cast.sven)
    job = graded(cast)
    assert (job.model_version, job.weights_sha256) == (
        "blind-1",
        blind.weights_sha256,
    )
    report = report_of(cast, job)
    assert report.grade is None
    assert report.weights_sha256 == blind.weights_sha256
    activate_version(version=first, reason="Back.", by=cast.sven)
    assert graded(cast).model_version == SHIPPED


def test_networks_stay_warm_and_those_out_of_use_are_let_go(
    cast: Cast, blind: ModelVersion
):
    first = graders.active()
    shadow = graders.shadow()
    assert shadow
    assert graders.active() is first
    retire_version(version=blind, reason=WHY, by=cast.sven)
    assert graders.shadow() is None
    assert graders.active() is first
    assert set(graders._warm) == {cast.version.weights_sha256}


def test_without_an_active_version_a_job_ends_with_a_sentence(cast: Cast):
    first = cast.version
    retire_version(version=first, reason="It was recalled.", by=cast.petra)
    with pytest.raises(NoActiveVersion):
        graders.active()
    job = graded(cast)
    assert job.state == State.FAILED
    assert job.failure.startswith("No version of the networks is active now")
    activate_version(version=first, reason="It is sound.", by=cast.petra)
    retry(job=job, by=cast.bea)
    assert graded(cast, job).state == State.DONE


def test_a_worker_starts_even_if_nothing_can_be_loaded(cast: Cast, caplog):
    retire_version(version=cast.version, reason="It was recalled.", by=cast.petra)
    graders.warm_up()
    assert "could not be loaded yet" in caplog.text


# Where the weights come from


def test_weights_that_are_not_here_are_fetched_once_and_checked(
    cast: Cast, settings, tmp_path: Path
):
    version = registered("far-1")
    fetched = folder_of(version)
    assert fetched == settings.MODELS / version.weights_sha256
    assert Grader.load(fetched).sha256 == version.weights_sha256
    content_store().remove(parse_cid(version.cid))
    assert folder_of(version) == fetched


def test_the_folder_that_was_given_is_taken_as_it_lies(cast: Cast, settings):
    assert folder_of(cast.version) == settings.MODEL_DIR == DEFAULT_WEIGHTS
    assert not settings.MODELS.exists()


def test_a_folder_that_was_tampered_with_is_fetched_anew(cast: Cast, caplog):
    version = registered("far-1")
    network = folder_of(version) / "segmenter.safetensors"
    sound = network.read_bytes()
    network.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    assert folder_of(version) == network.parent
    assert network.read_bytes() == sound
    assert "are passed over" in caplog.text


def test_a_store_that_was_tampered_with_is_refused(cast: Cast, settings):
    version = registered("far-1")
    blocks = settings.BLOCKS / "documents" / version.cid[-3:-1] / version.cid
    block = max(blocks.iterdir(), key=lambda file: file.stat().st_size)
    content = bytearray(block.read_bytes())
    content[100] ^= 1
    block.write_bytes(content)
    with pytest.raises(StorageError):
        folder_of(version)
    assert not list(settings.MODELS.iterdir())


def test_weights_under_the_wrong_cid_are_refused(cast: Cast, settings):
    with pytest.raises(WeightsRejected, match="begins with another manifest"):
        folder_of(cast.other_version())
    assert not list(settings.MODELS.iterdir())


# The report


@pytest.fixture
def compared(cast: Cast) -> ModelVersion:
    """31 images in shadow mode, of which one changes; one more failed."""
    version = cast.other_version(Standing.SHADOW)
    same = Answer(Grade.SFU_3, (0.1, 0.8, 0.1))
    more = Answer(Grade.SFU_4, (0.1, 0.2, 0.7))
    for pair in [Pair(same, same)] * 30 + [Pair(same, more), None]:
        keep_shadow(version=version, beside=cast.version, pair=pair)
    return version


def test_the_service_s_staff_see_agreement_changes_and_shifts(
    cast: Cast, sign_in, compared: ModelVersion
):
    page = sign_in("sven").get(reverse("comparison", args=[compared.pk])).text
    assert "30 of 31: 96.8 % (83.8 to 99.4 %)" in page
    assert "1 of 31: 3.2 % (0.6 to 16.2 %)" in page
    assert "+1.9 points (−1.9 to +5.7)" in page
    assert "too few images" not in page
    assert "1 of 32" in page


def test_few_images_are_said_to_be_few(cast: Cast, sign_in):
    version = cast.other_version(Standing.SHADOW)
    sealed_pair(cast, version)
    page = sign_in("sven").get(reverse("comparison", args=[version.pk])).text
    assert "too few images to decide by" in page


@pytest.mark.parametrize("name", ["petra", "bea", "ada", "grace"])
def test_nobody_else_opens_it(cast: Cast, compared: ModelVersion, name: str):
    with pytest.raises(Refused, match="holds the key"):
        open_shadows(results=[*compared.shadow_results.all()], by=cast.acting(name))
    with in_the_name_of(cast.acting(name).party):
        assert not ShadowResult.objects.exists()


def test_the_second_wall_lets_a_job_add_and_see_nothing(cast: Cast):
    version, job = cast.other_version(Standing.SHADOW), cast.request()
    with in_the_name_of(grading(job.pk)):
        sealed_pair(cast, version)
        assert not ShadowResult.objects.exists()
    assert ShadowResult.objects.count() == 1
    with (
        in_the_name_of(cast.bea.party),
        pytest.raises(DatabaseError, match="row-level security"),
        transaction.atomic(),
    ):
        ShadowResult(version=version, beside=cast.version).save(force_insert=True)


def test_answers_open_after_the_service_got_new_keys(cast: Cast):
    result = sealed_pair(cast, cast.other_version(Standing.SHADOW))
    renew_institution_keys(institution=cast.service)
    with in_the_name_of(cast.sven.party):
        (pair,) = open_shadows(results=[result], by=cast.sven)
    assert pair.active.grade is Grade.SFU_3


@pytest.mark.parametrize("field", ["sealed", "wrapped_key"])
def test_an_altered_answer_is_not_shown(cast: Cast, field: str):
    result = sealed_pair(cast, cast.other_version(Standing.SHADOW))
    content = bytearray(getattr(result, field))
    content[-1] ^= 1
    setattr(result, field, bytes(content))
    with pytest.raises(RecordDamaged):
        open_shadows(results=[result], by=cast.sven)


def test_an_answer_cannot_be_moved_to_another_row(cast: Cast):
    version = cast.other_version(Standing.SHADOW)
    one, other = sealed_pair(cast, version), sealed_pair(cast, version)
    one.sealed, one.wrapped_key = other.sealed, other.wrapped_key
    with pytest.raises(RecordDamaged):
        open_shadows(results=[one], by=cast.sven)


def test_a_real_pair_of_versions_agrees_with_itself(cast: Cast):
    twin = in_shadow(cast, registered("twin-1"))
    report = graders.active().grade(kidney())
    assert report.grade
    shadowing.grade_beside(kidney(), report)
    (found,) = reports_about(twin, by=cast.sven)
    assert found.comparison.agreement.count == found.comparison.agreement.of == 1
    assert all(shift.mean == 0 for shift in found.comparison.shifts)
