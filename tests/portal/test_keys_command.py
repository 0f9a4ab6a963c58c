"""The state of the keys, for whoever looks after them; never a key itself."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.models import HolderKey, PrivateKey
from tests.cast import Cast


def said(*options: str) -> str:
    out = StringIO()
    call_command("keys", *options, stdout=out)
    return out.getvalue()


def test_every_institution_s_keys_are_told(cast: Cast):
    words = said()
    for institution in (cast.a, cast.b, cast.c, cast.service):
        assert words.count(f"{institution.name}: ") == 2
    assert "This site's ledger: signing" in words
    assert "This site as a witness: signing" in words
    assert "Patients' keys: 4 live, 0 retired." in words
    assert "OPEN" not in words


def test_patients_are_not_named(cast: Cast):
    keys = {bytes(key.key_id).hex() for key in cast.child.holder.keys.all()}
    shown = {key["key_id"] for key in json.loads(said("--json"))["keys"]}
    assert not keys & shown
    assert shown


def test_no_private_half_is_shown(cast: Cast):
    words = said() + said("--json")
    for row in PrivateKey.objects.all():
        assert bytes(row.sealed).hex() not in words


def test_a_retired_key_is_told_with_its_end(cast: Cast):
    key = cast.a.holder.keys.get(purpose="sealing")
    HolderKey.objects.filter(pk=key.pk).update(retired_at=timezone.now())
    assert ", retired " in said()


def test_a_key_that_does_not_open_is_told(cast: Cast):
    key = cast.a.holder.keys.get(purpose="sealing")
    other = cast.b.holder.keys.get(purpose="sealing")
    PrivateKey.objects.filter(key=key).update(sealed=other.private.sealed)
    out = StringIO()
    with pytest.raises(CommandError, match=r"1 of [0-9]+ keys do not open"):
        call_command("keys", stdout=out)
    (line,) = [each for each in out.getvalue().splitlines() if "NOT OPEN" in each]
    assert line.startswith("Ashford Hospital: sealing ")
