"""Asks for grades and runs the jobs, on a database of its own."""

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.long_history import hospital_with_child
from benchmarks.result import Result
from benchmarks.site import report, start
from portal.row_security import NOBODY, UPKEEP, in_the_name_of

if TYPE_CHECKING:
    from django.test import Client

    from diagnosis.models import GradingJob
    from portal.acting import Acting
    from portal.models import Institution
    from records.models import Document, Patient

JOBS = 30


@in_the_name_of(UPKEEP)
def main() -> None:
    """Each image is asked for on its page, then graded as the worker grades it."""
    start()
    # Imported here: they need Django.
    from django.conf import settings
    from django.core.management import call_command

    from diagnosis.first_version import register_first

    settings.ALLOWED_HOSTS = ["*"]
    call_command("collectstatic", interactive=False, verbosity=0)
    hospital, child = hospital_with_child()
    _service()
    register_first()
    doctor = _doctor(hospital)
    client = _signed_in(doctor)
    clock = _Networks()
    waits, overheads, clocks = [], [], []
    for number in range(JOBS + 1):
        wait, job = _asked(client, _image(child, doctor, number))
        busy, passed = clock.beside(job)
        if number:  # the first one loads the networks and opens the keys
            waits.append(wait)
            overheads.append(busy)
            clocks.append(passed)
    report(
        [
            Result(
                "request to first status on the page",
                statistics.median(waits) * 1000,
                "ms",
                500,
                f"median of {JOBS}, 1024 × 768 PNG, the request and the page it leads"
                f" to, without the network between; slowest {max(waits) * 1000:.0f} ms",
            ),
            Result(
                "a job beside its networks",
                statistics.median(overheads) * 1000,
                "ms",
                80,
                f"median of {JOBS}: claim, open, decode, seal, record; by the time that"
                " its process and its database's were busy;"
                f" {statistics.median(clocks) * 1000:.0f} ms by the clock",
            ),
        ]
    )


class _Networks:
    """The worker's own networks, with a clock around them."""

    def __init__(self) -> None:
        from diagnosis import graders

        self._grader = graders.active()
        self._grade, self._inside = self._grader.grade, (0.0, 0.0)
        setattr(self._grader, "grade", self._timed)  # noqa: B010 its own type stays

    def beside(self, job: "GradingJob") -> tuple[float, float]:
        """Seconds that a job keeps a core busy, and that pass, without its networks."""
        from diagnosis.models import State
        from diagnosis.worker import run

        self._inside, started = (0.0, 0.0), _clocks()
        with in_the_name_of(NOBODY):
            run(job.pk)
        took = _since(started)
        job.refresh_from_db()
        if job.state != State.DONE:
            raise SystemExit(f"The benchmark's job is {job.state}: {job.failure}")
        return took[0] - self._inside[0], took[1] - self._inside[1]

    def _timed(self, pixels: Any, *, on_stage: Any) -> Any:
        waited = (0.0, 0.0)

        def told(stage: str) -> None:  # what a stage costs the job is no network's
            nonlocal waited
            begun = _clocks()
            on_stage(stage)
            busy, passed = _since(begun)
            waited = waited[0] + busy, waited[1] + passed

        started = _clocks()
        found = self._grade(pixels, on_stage=told)
        busy, passed = _since(started)
        self._inside = busy - waited[0], passed - waited[1]
        return found


def _clocks() -> tuple[float, float]:
    """Seconds that this process and its server process were busy, and the clock's."""
    from django.db import connection

    server = connection.connection.info.backend_pid
    nanoseconds = Path(f"/proc/{server}/schedstat").read_text("ascii").split()[0]
    return time.process_time() + int(nanoseconds) / 1e9, time.perf_counter()


def _since(then: tuple[float, float]) -> tuple[float, float]:
    busy, passed = _clocks()
    return busy - then[0], passed - then[1]


def _asked(client: "Client", image: "Document") -> "tuple[float, GradingJob]":
    """Seconds until the job's page is there, and the job."""
    from django.urls import reverse

    from diagnosis.models import GradingJob

    started = time.perf_counter()
    with in_the_name_of(NOBODY):
        page = client.post(reverse("ask", args=[image.pk]), {"frame": "1"}, follow=True)
    took = time.perf_counter() - started
    if "Next in the queue." not in page.text:
        raise SystemExit(f"The job's page answers {page.status_code}.")
    return took, GradingJob.objects.get(image=image)


def _service() -> None:
    from portal.actions.institutions import register_institution
    from portal.models import Institution

    kind = Institution.Kind.DIAGNOSIS_SERVICE
    register_institution(name="Diagnosis service", kind=kind)


def _doctor(hospital: "Institution") -> "Acting":
    from portal.acting import acting_for
    from portal.actions.members import add_member
    from portal.models import User
    from portal.roles import Role

    member = add_member(
        institution=hospital,
        email="doctor@hospital.example",
        full_name="A doctor",
        role=Role.DOCTOR,
        by=User.objects.get(email="admin@hospital.example"),
    )
    return acting_for(member.user, hospital.pk)


def _image(child: "Patient", doctor: "Acting", number: int) -> "Document":
    from diagnosis.grading.scale import Grade
    from diagnosis.training.phantoms import sample_image
    from records.actions.documents import NewDocument, add_document
    from records.models import Document

    if doctor.institution is None:
        raise SystemExit("The benchmark's doctor acts for no hospital.")
    new = NewDocument(
        kind=Document.Kind.IMAGE,
        name=f"kidney-{number}.png",
        media_type="image/png",
        content=[sample_image(list(Grade)[number % 3], 1_000_500 + number)],
    )
    return add_document(
        patient=child, institution=doctor.institution, new=new, by=doctor
    )


def _signed_in(doctor: "Acting") -> "Client":
    from django.test import Client

    client = Client()
    client.force_login(
        doctor.user, backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    return client


if __name__ == "__main__":
    main()
