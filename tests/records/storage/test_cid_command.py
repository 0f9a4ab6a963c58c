"""``manage.py cid`` as a person uses it."""

import io

import pytest
from django.core.management import CommandError, call_command

HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def printed(*paths):
    out = io.StringIO()
    call_command("cid", *map(str, paths), stdout=out)
    return out.getvalue()


def test_each_file_has_a_line(tmp_path):
    hello, empty = tmp_path / "hello world.txt", tmp_path / "empty"
    hello.write_bytes(b"hello world")
    empty.touch()
    assert printed(hello, empty) == f"{HELLO}  {hello}\n{EMPTY}  {empty}\n"


def test_a_dash_is_standard_input(monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(b"hello world"))
    monkeypatch.setattr("sys.stdin", stdin)
    assert printed("-") == f"{HELLO}  -\n"


def test_a_missing_file_or_a_folder_is_said_in_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="No such file or directory"):
        printed(tmp_path / "missing")
    with pytest.raises(CommandError, match="Is a directory"):
        printed(tmp_path)
