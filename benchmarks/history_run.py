"""The history page beside few and many patients, on a database of its own."""

import statistics
import time
from secrets import token_bytes
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from benchmarks.long_history import GUARDIAN, add_documents, hospital_with_child
from benchmarks.result import Result
from benchmarks.site import report, start
from portal.row_security import UPKEEP, in_the_name_of

if TYPE_CHECKING:
    from portal.models import Institution
    from records.models import Patient

FEW, MANY, DOCUMENTS = 100, 100_000, 5_000
PAGES = 60
EACH = 3  # acts about each of the other patients


@in_the_name_of(UPKEEP)
def main() -> None:
    """One long history, first among few patients, then among many."""
    start()
    # Imported here: they need Django.
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    call_command("collectstatic", interactive=False, verbosity=0)
    hospital, child = hospital_with_child()
    add_documents(hospital, child, DOCUMENTS)
    _others(hospital, FEW)
    few = _measured(child)
    _others(hospital, MANY - FEW)
    many = _measured(child)
    report(
        [
            Result(
                f"history page, p95 beside {MANY:,} patients ÷ beside {FEW}",
                many[0] / few[0],
                "×",
                1.3,
                f"{DOCUMENTS:,} documents in the history; {many[0] * 1000:.0f} ms",
            ),
            Result(
                f"history page, queries beside {MANY:,} patients",
                many[1],
                "queries",
                few[1],
                f"{few[1]} beside {FEW}",
            ),
        ]
    )


def _others(hospital: "Institution", count: int) -> None:
    """Rows as other patients have them, without keys of their own."""
    from ledger.events import Event
    from portal.models import KeyHolder
    from records.models import Act, Enrolment, Patient

    for start_at in range(0, count, 10_000):
        wanted = range(start_at, min(start_at + 10_000, count))
        holders = KeyHolder.objects.bulk_create(KeyHolder(id=uuid4()) for _ in wanted)
        patients = Patient.objects.bulk_create(
            Patient(
                holder=holder,
                full_name="Somebody",
                birth_date_text="2024-01-01",
                code="ABCD",
                code_index=token_bytes(32),
            )
            for holder in holders
        )
        Enrolment.objects.bulk_create(
            Enrolment(
                patient=patient,
                institution=hospital,
                hospital_number="2",
                number_index=token_bytes(32),
            )
            for patient in patients
        )
        Act.objects.bulk_create(
            Act(
                statement_id=token_bytes(16),
                event=event,
                patient=patient,
                institution=hospital,
            )
            for patient in patients
            for event in list(Event)[EACH : 2 * EACH]
        )


def _measured(child: "Patient") -> tuple[float, int]:
    """The 95th percentile of the page's time in seconds, and its queries."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from portal.models import User

    client, address = Client(), reverse("patient", args=[child.pk])
    client.force_login(
        User.objects.get(email=GUARDIAN),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    client.get(address)
    took: list[Any] = []
    for _ in range(PAGES):
        started = time.perf_counter()
        page = client.get(address)
        took.append(time.perf_counter() - started)
        if page.status_code != 200:
            raise SystemExit(f"The page answers {page.status_code}.")
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    return statistics.quantiles(took, n=20)[-1], len(asked)


if __name__ == "__main__":
    main()
