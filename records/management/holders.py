"""Finds those whose keys a command is about."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from portal.actions.keys import renew_institution_keys
from portal.models import Institution
from portal.sealed_fields import blind_indexes
from records.actions.keys import renew_patient_keys
from records.models import Patient


@dataclass(frozen=True)
class Holder:
    """Somebody with keys."""

    called: str  # a patient is not named
    holder_id: UUID
    renew: Callable[[], None]
    of: Institution | Patient


def of_institution(institution: Institution) -> Holder:
    """The institution, as somebody with keys."""
    renew = partial(renew_institution_keys, institution=institution)
    return Holder(institution.name, institution.holder_id, renew, institution)


def add_arguments(parser: ArgumentParser) -> Any:
    """Let a holder be named; returns the group of which one must be given."""
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--institution", metavar="NAME")
    who.add_argument("--patient", metavar="CODE", help="the code of the family")
    return who


def named(options: dict[str, Any]) -> Holder:
    """The holder that is named.

    Raises:
        CommandError: there is none of this name or code.
    """
    if name := options["institution"]:
        institution = Institution.objects.filter(name=name).first()
        if institution is None:
            raise CommandError(f"There is no institution called {name}.")
        return of_institution(institution)
    indexes = blind_indexes(options["patient"], purpose="patient code")
    patient = Patient.objects.filter(code_index__in=indexes).first()
    if patient is None:
        raise CommandError("No patient has this code.")
    renew = partial(renew_patient_keys, patient=patient)
    return Holder("The patient", patient.holder_id, renew, patient)
