"""The exchange of the UPJO paper's Fig. 7: CID_H to the service, CID_M back."""

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ

from diagnosis import set_comparing, set_examiner, set_worker, tasks
from diagnosis.actions import set_runs
from diagnosis.actions.data_sets import (
    cancel_run,
    fetch_results,
    request_comparison,
    request_run,
    retry_run,
)
from diagnosis.actions.set_checks import claim_check, sweep_checks
from diagnosis.actions.set_runs import claim_run, sweep_runs
from diagnosis.actions.versions import activate_version, retire_version
from diagnosis.intake.outcomes import from_json
from diagnosis.intake.set_archive import unpack
from diagnosis.models import (
    DataSet,
    SetAct,
    SetContent,
    SetResult,
    SetRun,
    SetState,
    SetWrap,
    State,
)
from diagnosis.models.grading_job import MAX_ATTEMPTS
from diagnosis.set_sealing import open_content
from ledger.events import Event
from ledger.history import statement
from portal.errors import Refused
from portal.row_security import UPKEEP, examining, in_the_name_of, running
from records.content import content_store
from records.errors import RecordDamaged
from records.storage.cids import parse_cid
from tests.cast import Cast, picture
from tests.diagnosis.intake.archives import labelled_set, zipped
from tests.diagnosis.sets.sending import checked, given, graded, now, reread, sent

Kind = SetContent.Kind
PICTURES = {f"{n}.png": picture(n) for n in range(5)}


def acts(run: SetRun) -> list[Event]:
    return [Event(a.event) for a in SetAct.objects.filter(data_set=run.data_set)]


def silence(row: DataSet | SetRun) -> None:
    type(row).objects.filter(pk=row.pk).update(
        heard_at=timezone.now() - timedelta(hours=1)
    )


# Looking at it.


def test_an_archive_becomes_a_set_without_names(cast: Cast):
    data_set = sent(cast.carl)
    upload = data_set.contents.get()
    set_examiner.check(data_set.pk)
    data_set = reread(data_set)
    assert (data_set.state, data_set.usable, data_set.files) == ("ready", 3, 3)
    contents = {content.kind: content for content in data_set.contents.all()}
    assert set(contents) == {Kind.MANIFEST, Kind.IMAGES}
    manifest = b"".join(open_content(contents[Kind.MANIFEST], cast.c.holder_id))
    assert [o.label for o in from_json(manifest)] == ["SFU 0-2", "SFU 3", "SFU 4"]
    images = b"".join(open_content(contents[Kind.IMAGES], cast.c.holder_id))
    assert [number for number, _ in unpack([images])] == [1, 2, 3]
    assert b"SFU" not in images
    assert content_store().has(parse_cid(upload.cid))  # until the transaction commits


def test_the_archive_as_it_came_is_gone_once_it_was_looked_at(
    cast: Cast, django_capture_on_commit_callbacks
):
    data_set = sent(cast.carl)
    cid = parse_cid(data_set.contents.get().cid)
    with django_capture_on_commit_callbacks(execute=True):
        set_examiner.check(data_set.pk)
    assert not content_store().has(cid)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "empty"),
        ({"a.txt": b"words"}, "None of its files can be used"),
        ({"a.csv": b"", "b.csv": b""}, "2 lists"),
    ],
)
def test_a_set_of_nothing_is_refused(
    cast: Cast, files: dict[str, bytes], sentence: str
):
    data_set = checked(cast.carl, files)
    assert data_set.state == SetState.REFUSED
    assert sentence in data_set.failure
    assert not data_set.contents.filter(kind__in=[Kind.UPLOAD, Kind.IMAGES]).exists()


def test_bytes_that_are_no_archive_are_refused(cast: Cast):
    from diagnosis.actions.data_sets import add_data_set
    from diagnosis.models import Purpose

    data_set = add_data_set(
        title="x", purpose=Purpose.GRADING, content=[b"nothing"], by=cast.carl
    )
    set_examiner.check(data_set.pk)
    assert "no zip archive" in reread(data_set).failure


def test_one_is_looked_at_at_a_time(cast: Cast):
    first, second = sent(cast.carl), sent(cast.bea)
    assert claim_check(set_id=first.pk)
    assert claim_check(set_id=second.pk) is None
    assert reread(second).state == SetState.WAITING


def test_a_worker_that_dies_while_looking_is_replaced_then_given_up(cast: Cast):
    data_set = sent(cast.carl)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert claim_check(set_id=data_set.pk)
        silence(data_set)
        assert sweep_checks() == 1
        assert reread(data_set).attempts == attempt
    found = reread(data_set)
    assert found.state == SetState.REFUSED
    assert "stopped 3 times" in found.failure


def test_a_fault_while_looking_is_said(cast: Cast, monkeypatch, caplog):
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(set_examiner, "examine", fault)
    assert "fault on our side" in checked(cast.carl).failure
    assert "ZeroDivisionError" in caplog.text


# The exchange.


@pytest.mark.slow
def test_the_exchange_of_the_figure(cast: Cast):
    run = graded(cast.carl)
    assert (run.state, run.done, run.model_version) == ("done", 3, "phantom-1")
    results = fetch_results(run=run, by=cast.carl)
    assert [r.number for r in results.results] == [1, 2, 3]
    assert acts(run) == [
        Event.DATA_SET_ADDED,
        Event.DATA_SET_CHECKED,
        Event.DATA_SET_STORED,
        Event.DATA_SET_GIVEN,
        Event.DATA_SET_FETCHED,
        Event.DATA_SET_GRADED,
        Event.RESULTS_FETCHED,
    ]
    images = run.data_set.contents.get(kind=Kind.IMAGES)
    answer = run.contents.get(kind=Kind.RESULTS)
    said = {
        Event(act.event): statement(bytes(act.statement_id))
        for act in SetAct.objects.filter(data_set=run.data_set)
    }
    for event, content in {
        Event.DATA_SET_STORED: images,
        Event.DATA_SET_GIVEN: images,
        Event.DATA_SET_FETCHED: images,
        Event.DATA_SET_GRADED: answer,
        Event.RESULTS_FETCHED: answer,
    }.items():
        found = said[event]
        assert found
        assert found.cid == bytes(parse_cid(content.cid))
        assert found.tenant == cast.c.pk
    assert results.images_cid == images.cid
    fetched = SetAct.objects.get(event=Event.DATA_SET_FETCHED, run=run)
    assert fetched.metadata["weights"] == results.weights_sha256 == run.weights_sha256
    assert fetched.author == cast.service
    assert not SetResult.objects.filter(run=run).exists()


@pytest.mark.slow
def test_the_service_has_the_key_while_it_works_and_no_other_key(cast: Cast):
    run = given(cast.carl)
    images = run.data_set.contents.get(kind=Kind.IMAGES)
    held = images.wraps.filter(holder_id=cast.service.holder_id)
    assert [wrap.content_id for wrap in held] == [images.pk]
    set_worker.run(run.pk)
    assert not held.all().exists()
    with pytest.raises(RecordDamaged, match="not there for this reader"):
        b"".join(open_content(images, cast.service.holder_id))


def test_at_its_run_the_service_sees_the_pictures_alone(cast: Cast):
    run, other = given(cast.carl), given(cast.bea)
    with in_the_name_of(running(run.pk)):
        assert [s.pk for s in DataSet.objects.all()] == [run.data_set_id]
        assert [r.pk for r in SetRun.objects.all()] == [run.pk]
        assert {c.kind for c in SetContent.objects.all()} == {Kind.IMAGES}
        assert not SetAct.objects.exists()
        assert not DataSet.objects.filter(pk=other.data_set_id).exists()
    with in_the_name_of(examining(run.data_set_id)):
        assert [s.pk for s in DataSet.objects.all()] == [run.data_set_id]
    for name in ("alan", "ada", "grace", "petra", "bea"):
        with in_the_name_of(cast.acting(name).party):
            assert not DataSet.objects.filter(pk=run.data_set_id).exists(), name
            for model in (SetRun, SetContent, SetAct):
                assert not model.objects.filter(data_set=run.data_set_id).exists(), name
            assert not SetWrap.objects.filter(content__run=run).exists(), name
    with in_the_name_of(cast.acting("cora").party):
        assert DataSet.objects.get().pk == run.data_set_id


@pytest.mark.slow
def test_a_run_goes_on_where_its_worker_died(cast: Cast, monkeypatch):
    monkeypatch.setattr(set_worker, "BATCH", 2)
    seen: list[int] = []

    class Killed(BaseException):
        """Nothing of ours catches it, as nothing catches SIGKILL."""

    def dying(*, run: SetRun, rows: list[tuple[int, bytes]]) -> None:
        if rows[0][0] == 3 and len(seen) == 2:
            raise Killed
        set_runs.record_results(run=run, rows=rows)
        seen.extend(number for number, _ in rows)

    monkeypatch.setattr(set_worker, "record_results", dying)
    run = given(cast.carl, PICTURES)
    with pytest.raises(Killed):
        set_worker.run(run.pk)
    assert (now(run).state, now(run).done) == ("running", 2)
    set_worker.run(run.pk)  # delivered again too early: the claim holds
    assert now(run).done == 2
    silence(now(run))
    seen.append(0)
    assert sweep_runs() == 1
    set_worker.run(run.pk)
    assert now(run).state == State.DONE
    assert seen == [1, 2, 0, 3, 4, 5]
    fetched = SetAct.objects.filter(event=Event.DATA_SET_FETCHED, run=run)
    assert fetched.count() == 1
    numbers = [r.number for r in fetch_results(run=now(run), by=cast.carl).results]
    assert numbers == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_run_makes_room_for_others_between_its_parts(
    cast: Cast, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(set_worker, "BATCH", 2)
    monkeypatch.setattr(set_worker, "SLICE_SECONDS", -1.0)
    run = given(cast.carl, PICTURES)
    parts = 0
    while now(run).state != State.DONE:
        OrmQ.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            set_worker.run(run.pk)
        parts += 1
        assert parts < 10
        if now(run).state == State.QUEUED:
            assert OrmQ.objects.count() == 1
    assert parts == 4  # two, two and one picture, then the results are put
    assert len(fetch_results(run=now(run), by=cast.carl).results) == 5


def test_a_picture_that_kills_its_worker_ends_the_run(cast: Cast):
    run = given(cast.carl)
    for _ in range(MAX_ATTEMPTS):
        held = claim_run(run_id=run.pk)
        assert held
        silence(held)
        assert sweep_runs() == 1
    assert now(run).state == State.FAILED
    assert "3 times while grading picture 1" in now(run).failure


@pytest.mark.slow
def test_a_failed_run_can_be_tried_again(cast: Cast):
    version = cast.version
    retire_version(version=version, reason="A fault was found.", by=None)
    run = graded(cast.carl)
    assert run.state == State.FAILED
    assert "No version of the networks is active now" in run.failure
    assert "NoActiveVersion" in run.traceback
    activate_version(version=version, reason="It was none.", by=None)
    retry_run(run=run, by=cast.carl)
    set_worker.run(run.pk)
    assert now(run).state == State.DONE


def test_a_lost_block_is_said_in_its_own_words(cast: Cast):
    run = given(cast.carl)
    content_store().remove(parse_cid(run.data_set.contents.get(kind="images").cid))
    set_worker.run(run.pk)
    assert "does not have block" in now(run).failure


def test_a_cancelled_run_takes_the_key_back(cast: Cast):
    run = given(cast.carl)
    cancel_run(run=run, by=cast.acting("cora"))
    assert now(run).state == State.CANCELLED
    images = run.data_set.contents.get(kind=Kind.IMAGES)
    assert not images.wraps.filter(holder_id=cast.service.holder_id).exists()
    set_worker.run(run.pk)
    assert now(run).done == 0
    with pytest.raises(Refused, match="too late"):
        cancel_run(run=run, by=cast.carl)


@pytest.mark.slow
def test_cancelled_while_it_runs_nothing_is_kept(cast: Cast, monkeypatch):
    run = given(cast.carl)

    def cancelled_meanwhile(*, run: SetRun, rows: list[tuple[int, bytes]]) -> None:
        with in_the_name_of(UPKEEP):
            cancel_run(run=now(run), by=cast.carl)
        set_runs.record_results(run=run, rows=rows)

    monkeypatch.setattr(set_worker, "record_results", cancelled_meanwhile)
    set_worker.run(run.pk)
    assert now(run).state == State.CANCELLED
    assert not SetResult.objects.filter(run=run).exists()
    assert not now(run).contents.exists()


def test_a_set_is_given_once_at_a_time_and_by_its_own_people(cast: Cast):
    data_set = checked(cast.carl)
    with pytest.raises(Refused):
        request_run(data_set=data_set, by=cast.bea)
    with pytest.raises(Refused):
        request_run(data_set=data_set, by=cast.grace)
    run = request_run(data_set=data_set, by=cast.acting("cora"))
    with pytest.raises(Refused, match="being graded already"):
        request_run(data_set=data_set, by=cast.carl)
    with pytest.raises(Refused):
        fetch_results(run=run, by=cast.bea)
    with pytest.raises(Refused, match="no results yet"):
        fetch_results(run=run, by=cast.carl)


@pytest.mark.slow
def test_other_weights_start_anew(cast: Cast, monkeypatch):
    run = given(cast.carl)
    held = claim_run(run_id=run.pk)
    assert held
    set_runs.begin_run(run=held, model_version="old", weights_sha256="ab" * 32)
    set_runs.record_results(run=held, rows=[(1, b"sealed by the old ones")])
    set_runs.hand_back(run=held)
    set_worker.run(run.pk)
    assert now(run).state == State.DONE
    assert len(fetch_results(run=now(run), by=cast.carl).results) == 3
    fetched = SetAct.objects.filter(event=Event.DATA_SET_FETCHED, run=run)
    assert [act.metadata["model"] for act in fetched] == ["old", "phantom-1"]


# Direct and exchanged grades are the same.


@pytest.mark.slow
def test_graded_directly_and_through_the_exchange_is_the_same(
    cast: Cast, tmp_path: Path, capsys
):
    archive = tmp_path / "set.zip"
    archive.write_bytes(zipped(PICTURES))
    run = graded(cast.carl, PICTURES)
    call_command("compare_exchange", str(run.pk), str(archive))
    assert "0 got another answer" in capsys.readouterr().out
    run = now(run)
    assert (run.compared, run.differing) == (5, 0)
    said = SetAct.objects.get(event=Event.EXCHANGE_COMPARED, run=run)
    assert (said.metadata["compared"], said.metadata["differing"]) == (5, 0)


@pytest.mark.slow
def test_a_difference_is_found(cast: Cast, tmp_path: Path):
    archive = tmp_path / "set.zip"
    archive.write_bytes(zipped(PICTURES | {"3.png": picture(77)}))
    run = graded(cast.carl, PICTURES)
    with pytest.raises(CommandError, match="do not agree"):
        call_command(
            "compare_exchange", str(run.pk), str(archive), stdout=io.StringIO()
        )
    assert now(run).differing == 1


@pytest.mark.slow
def test_the_button_compares_in_parts(
    cast: Cast, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(set_worker, "BATCH", 2)
    run = graded(cast.carl, PICTURES)
    request_comparison(run=run, by=cast.carl)
    monkeypatch.setattr(set_comparing, "SLICE_SECONDS", -1.0)
    tasks.compare_run(str(run.pk))
    assert (now(run).compared, now(run).compared_at) == (0, None)
    monkeypatch.setattr(set_comparing, "SLICE_SECONDS", 60.0)
    tasks.compare_run(str(run.pk))
    tasks.compare_run(str(run.pk))  # delivered twice
    assert (now(run).compared, now(run).differing) == (5, 0)
    assert SetAct.objects.filter(event=Event.EXCHANGE_COMPARED).count() == 1


def test_no_name_label_or_grade_lies_open_in_the_database(cast: Cast):
    from tests.architecture.snapshots import snapshot

    files = {f"SFU 4/kim-abernathy/{n}.png": picture(n) for n in range(2)}
    run = given(cast.carl, files)
    rows = snapshot()
    text = json.dumps({t: r for t, r in rows.items() if "diagnosis_set" in t})
    text += json.dumps(rows["public.diagnosis_dataset"])
    assert run.data_set.title == "Spring"
    for secret in ("kim", "SFU", "Spring"):
        assert secret not in text


def test_labels_of_folders_are_kept_for_grading_sets_too(cast: Cast):
    assert checked(cast.carl, labelled_set(1)).usable == 3
