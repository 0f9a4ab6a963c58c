"""What the command tells people, programs and shells."""

import json
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from ledger.site import log_signer, origin
from tests.cast import Cast
from tests.ledger.forging import forge_guard, seal_anew, sign_anew
from tests.ledger.process import start
from tests.ledger.values import flip
from tests.ledger.world import World


def said(*options: str) -> str:
    out = StringIO()
    call_command("verify_ledger", *options, stdout=out)
    return out.getvalue()


def test_an_intact_log_ends_in_the_number_of_its_entries(world: World):
    world.sequence(3, 2)
    assert said() == (
        f"Signed checkpoints: 2; they cover the first 5 entries of {origin()}.\n"
        "5 entries are intact.\n"
    )
    assert json.loads(said("--json")) == {
        "origin": origin(),
        "intact": True,
        "entries": 5,
        "certified": 5,
        "checkpoints": 2,
        "witnessed": {},
        "signatures": None,
        "bodies": 0,
        "not_kept_here": 0,
        "first_bad": None,
        "reason": None,
    }


def test_a_damaged_log_ends_in_status_1_with_the_first_bad_number(world: World):
    world.sequence(3, 2)
    world.attack("DELETE FROM ledger.entry WHERE seq = 3")
    process = start(world.database, "web", "verify_ledger", "--json")
    out, _ = process.popen.communicate(timeout=60)
    assert process.popen.returncode == 1
    report = json.loads(out.splitlines()[0])
    assert (report["intact"], report["first_bad"], report["entries"]) == (False, 3, 3)
    assert "Entry 3 is missing." in out
    assert "Traceback" not in out


def test_a_damaged_log_is_told_in_words(world: World):
    world.sequence(3, 2)
    world.attack("DELETE FROM ledger.entry WHERE seq = 3")
    out = StringIO()
    with pytest.raises(CommandError, match="Entry 3 is missing") as refused:
        call_command("verify_ledger", stdout=out)
    assert refused.value.returncode == 1
    assert "The first bad sequence number is 3." in out.getvalue()
    assert out.getvalue().endswith("3 entries before it are intact.\n")


def test_a_log_that_cannot_be_read_is_not_called_damaged(world: World, monkeypatch):
    world.sequence(1)
    monkeypatch.setitem(connection.settings_dict, "NAME", "no_such_database")
    with pytest.raises(CommandError, match="could not be checked") as refused:
        said()
    assert refused.value.returncode == 2


@pytest.fixture
def site(committed_cast: Cast) -> World:
    """A log whose entries are the cast's own, with what they name in the store."""
    world = World(connection.settings_dict["NAME"])
    world.sequence()
    return world


@pytest.mark.slow
def test_authors_and_contents_are_checked_where_asked(site: World):
    report = json.loads(said("--json", "--signatures", "--bodies", "100"))
    assert report["intact"]
    assert report["signatures"] == report["entries"] > 10
    assert report["bodies"] > 2
    words = said("--signatures", "--bodies", "100")
    assert f"Authors' signatures checked: {report['entries']}." in words
    assert (
        f"Contents fetched and hashed again: {report['bodies']}, 0 of them damaged; not"
        f" kept here: {report['not_kept_here']}." in words
    )


@pytest.mark.slow
def test_an_entry_that_its_author_did_not_sign_is_found_only_where_asked(site: World):
    """Sealed and signed anew with the log's key: only the author's is missing."""
    sign_anew(site, seal_anew(site, 6), log_signer())
    with pytest.raises(CommandError, match=r"Two roots were signed at \d+ entries"):
        said("--json")
    forge_guard()
    assert json.loads(said("--json"))["intact"]
    with pytest.raises(CommandError, match="Entry 6 is not signed by its author"):
        said("--signatures")


@pytest.mark.slow
def test_a_content_that_is_damaged_or_gone_is_found(site: World, committed_cast: Cast):
    document = committed_cast.image_b
    (block, *_) = settings.BLOCKS.glob(f"documents/*/{document.cid}/*")
    kept = block.read_bytes()
    block.write_bytes(flip(kept, 100))
    try:
        with pytest.raises(CommandError, match=r"What entry \d+ names: ") as refused:
            said("--bodies", "100")
        assert refused.value.returncode == 1
        block.unlink()
        with pytest.raises(CommandError, match="What entry"):
            said("--bodies", "100")
    finally:
        block.write_bytes(kept)
    assert said("--bodies", "100").endswith("entries are intact.\n")


def test_it_goes_on_from_a_checkpoint_it_is_given(world: World):
    world.sequence(3, 2)
    assert json.loads(said("--json", "--since", "3"))["entries"] == 5
    with pytest.raises(CommandError, match="No checkpoint was signed at 4") as refused:
        said("--since", "4")
    assert refused.value.returncode == 2


@pytest.mark.parametrize("option", ["--since", "--bodies"])
@pytest.mark.parametrize("given", ["-1", "x", "²", ""])
def test_what_is_no_number_is_said(option: str, given: str):
    with pytest.raises(CommandError, match="is no number from 0 on"):
        said(f"{option}={given}")


def test_a_bar_is_drawn_on_a_terminal_alone(world: World):
    world.sequence(3)

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    terminal, file = Terminal(), StringIO()
    call_command("verify_ledger", stdout=StringIO(), stderr=terminal)
    call_command("verify_ledger", stdout=StringIO(), stderr=file)
    assert terminal.getvalue() == f"\r[{'#' * 40}] 3 of 3\n"
    assert file.getvalue() == ""
