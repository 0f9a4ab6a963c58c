"""A site without the demo world gets its institutions by command."""

import pytest
from django.core.management import CommandError, call_command

from portal.models import Institution, Membership
from portal.roles import Role
from tests.cast import Cast


def test_a_hospital_comes_with_its_first_admin(cast: Cast):
    call_command(
        "register_institution", "Delta Hospital", admin="d@x.example", admin_name="Dora"
    )
    membership = Membership.objects.get(institution__name="Delta Hospital")
    assert (membership.role, str(membership.user)) == (Role.HOSPITAL_ADMIN, "Dora")


def test_a_hospital_without_an_admin_is_not_registered(cast: Cast):
    with pytest.raises(CommandError, match="Name its first admin"):
        call_command("register_institution", "Delta Hospital")
    assert not Institution.objects.filter(name="Delta Hospital").exists()


def test_there_is_one_diagnosis_service(cast: Cast):
    with pytest.raises(CommandError, match="already has its diagnosis service"):
        call_command("register_institution", "Another", kind="diagnosis_service")
