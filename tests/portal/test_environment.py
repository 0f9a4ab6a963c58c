"""What the surroundings get wrong is said in a sentence that helps."""

import json
import stat
from pathlib import Path

import pytest

from portal.database import ensure_roles_and_database, settings_for
from portal.environment import (
    EnvironmentProblem,
    flag,
    master_key,
    number,
    secret_file,
    service_keys,
    several,
    text,
)

KEY = "0123456789abcdef" * 4


@pytest.fixture
def var(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of its own, with no key given."""
    monkeypatch.setenv("ANAMNESIS_VAR", str(tmp_path))
    for name in ("MASTER_KEY", "MASTER_KEY_FILE", "DATABASE_URL", "SERVICE_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def key_file(folder: Path, content: str = KEY, mode: int = 0o600) -> Path:
    path = folder / "given"
    path.write_text(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("1", True),
        ("true", True),
        (" Yes ", True),
        ("ON", True),
        ("0", False),
        ("False", False),
        ("no", False),
        ("off", False),
        ("", False),
    ],
)
def test_a_flag(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool):
    monkeypatch.setenv("DEBUG", value)
    assert flag("DEBUG") is meant


def test_a_flag_that_is_not_set_takes_the_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DEBUG", raising=False)
    assert flag("DEBUG", default=True)
    assert text("DEBUG", "x") == "x"


def test_another_word_is_no_flag(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DEBUG", "maybe")
    with pytest.raises(EnvironmentProblem, match="DEBUG is 'maybe'; write true or"):
        flag("DEBUG")


@pytest.mark.parametrize("value", ["eighty", "-1", "1.5", "0x10", "²"])
def test_what_is_no_whole_number(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("PORT", value)
    with pytest.raises(EnvironmentProblem, match=f"PORT is '{value}'; write a whole"):
        number("PORT", 8000)


@pytest.mark.parametrize(
    ("value", "meant"),
    [("", []), (" , ", []), ("a", ["a"]), ("a, b,,c ,", ["a", "b", "c"])],
)
def test_several_values(monkeypatch: pytest.MonkeyPatch, value: str, meant: list[str]):
    monkeypatch.setenv("IPFS_PEERS", value)
    assert several("IPFS_PEERS") == meant


def test_a_whole_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PORT", " 8100 ")
    assert number("PORT", 8000) == 8100


# The master key


def test_the_key_is_made_on_first_use_for_its_owner_alone(var: Path):
    made = master_key()
    path = var / "keys" / "master"
    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert master_key() == made


def test_two_sites_make_two_keys(var: Path, monkeypatch: pytest.MonkeyPatch):
    first = master_key()
    monkeypatch.setenv("ANAMNESIS_VAR", str(var / "other"))
    assert master_key() != first


def test_the_key_is_taken_from_the_variable_before_the_file(
    var: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MASTER_KEY_FILE", str(key_file(var)))
    assert master_key().hex() == KEY
    monkeypatch.setenv("MASTER_KEY", "ab" * 32)
    assert master_key().hex() == "ab" * 32
    assert not (var / "keys").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666, 0o610])
def test_a_key_that_others_can_read_is_refused_with_the_cure(
    var: Path, monkeypatch: pytest.MonkeyPatch, mode: int
):
    path = key_file(var, mode=mode)
    monkeypatch.setenv("MASTER_KEY_FILE", str(path))
    with pytest.raises(EnvironmentProblem, match=f"Run: chmod 600 {path}"):
        master_key()


def test_a_secret_made_here_is_watched_as_well(var: Path):
    secret_file("django")
    (var / "keys" / "django").chmod(0o644)
    with pytest.raises(EnvironmentProblem, match="Others on this machine can read"):
        secret_file("django")


def test_a_key_file_that_is_not_there(var: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MASTER_KEY_FILE", str(var / "nowhere"))
    with pytest.raises(EnvironmentProblem, match="nowhere is not there"):
        master_key()


@pytest.mark.parametrize("value", ["ab" * 31, "ab" * 33, "zz" * 32, "a", "not a key"])
def test_what_is_no_key(var: Path, monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("MASTER_KEY", value)
    with pytest.raises(EnvironmentProblem, match="64 hexadecimal digits"):
        master_key()


def test_an_empty_key_file_is_no_key(var: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MASTER_KEY_FILE", str(key_file(var, "")))
    with pytest.raises(EnvironmentProblem, match="64 hexadecimal digits"):
        master_key()


# The database


def test_a_given_server_is_reached_with_a_password_of_its_own(
    var: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", "postgresql://root:pw@db.example:5433/portal")
    web, owner = settings_for("web"), settings_for("owner")
    assert (web["HOST"], web["PORT"], web["NAME"]) == ("db.example", "5433", "portal")
    assert web["USER"] == "anamnesis_web"
    assert len({web["PASSWORD"], owner["PASSWORD"], "pw", ""}) == 4
    assert settings_for("web") == web


@pytest.mark.parametrize("url", ["mysql://db/portal", "postgresql://db", "http://x/y"])
def test_another_address_is_refused(
    var: Path, monkeypatch: pytest.MonkeyPatch, url: str
):
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(EnvironmentProblem, match="DATABASE_URL must look like"):
        settings_for("web")


def test_a_server_that_does_not_answer(var: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://root@127.0.0.1:9/portal")
    with pytest.raises(EnvironmentProblem, match="The database does not answer: "):
        ensure_roles_and_database()


def test_the_address_s_options_hold_for_every_login(
    var: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(
        "DATABASE_URL",
        "postgresql://setup:pw@one.example:5432,two.example:5433/portal"
        "?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.crt&target_session_attrs=read-write",
    )
    for role in ("owner", "web", "sequencer"):
        made = settings_for(role)
        assert made["HOST"] == "one.example,two.example"
        assert made["PORT"] == "5432,5433"
        assert made["OPTIONS"] == {
            "connect_timeout": 5,
            "sslmode": "verify-full",
            "sslrootcert": "/etc/ca.crt",
            "target_session_attrs": "read-write",
        }
        assert "setup" not in made.values()


def test_a_file_of_service_keys_stands_in_the_master_key_s_place(
    var: Path, monkeypatch: pytest.MonkeyPatch
):
    path = key_file(var, json.dumps({KEY: "AAEC"}))
    monkeypatch.setenv("SERVICE_KEYS_FILE", str(path))
    assert service_keys() == {bytes.fromhex(KEY): b"\0\1\2"}
    with pytest.raises(EnvironmentProblem, match="needs the master key"):
        master_key()
    assert not (var / "keys" / "master").exists()
    monkeypatch.setenv("MASTER_KEY", KEY)
    with pytest.raises(EnvironmentProblem, match="in the place of the master key"):
        service_keys()


@pytest.mark.parametrize("content", ["", "[]", '{"x": "AAEC"}', '{"00": "?"}', "{}x"])
def test_a_file_that_holds_no_service_keys(
    var: Path, monkeypatch: pytest.MonkeyPatch, content: str
):
    monkeypatch.setenv("SERVICE_KEYS_FILE", str(key_file(var, content)))
    with pytest.raises(EnvironmentProblem, match="holds no keys"):
        service_keys()
