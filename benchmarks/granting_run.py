"""Grants a long history to a hospital, on a database of its own."""

import statistics
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from benchmarks.long_history import GUARDIAN, add_documents, hospital_with_child
from benchmarks.result import Result
from benchmarks.site import report, start
from portal.row_security import UPKEEP, in_the_name_of
from records.encryption.wrapping import oaep

if TYPE_CHECKING:
    from portal.models import Institution
    from records.models import Patient

DOCUMENTS, ROUNDS = 1_000, 7


@in_the_name_of(UPKEEP)
def main() -> None:
    """The act as a guardian does it, in turns with the RSA that it cannot do without."""
    start()
    hospital, child = hospital_with_child()
    add_documents(hospital, child, DOCUMENTS)
    other = _other_hospital(child)
    turns = [(_bare(), *_granted(child, other)) for _ in range(ROUNDS)]
    bare, busy, passed = (
        DOCUMENTS / statistics.median(seconds) for seconds in zip(*turns, strict=True)
    )
    report(
        [
            Result(
                "documents granted by one core",
                busy,
                "/s",
                700,
                f"{DOCUMENTS:,} in one grant_consent; by the time that its process and"
                f" its database's were busy; {passed:,.0f}/s by the clock",
                "≥",
            ),
            Result(
                "the same ÷ bare RSA-3072 private operations",
                statistics.median(bare / busy for bare, busy, _passed in turns),
                "×",
                None,
                f"each document needs one; {bare:,.0f}/s bare",
                "≥",
            ),
        ]
    )


def _other_hospital(child: "Patient") -> "Institution":
    """Has the child in its care, and may not read yet."""
    from portal.acting import acting_for
    from portal.actions.institutions import register_institution
    from portal.actions.members import add_first_admin
    from portal.models import Institution, User
    from portal.roles import Role
    from records.actions.patients import enrol_patient

    other = register_institution(name="The other", kind=Institution.Kind.HOSPITAL)
    admin = User.objects.create_user("admin@other.example", full_name="Its admin")
    add_first_admin(institution=other, user=admin, role=Role.HOSPITAL_ADMIN)
    by = acting_for(admin, other.pk)
    enrol_patient(code=child.code, hospital_number="1", by=by)
    return other


def _granted(child: "Patient", other: "Institution") -> tuple[float, float]:
    """Seconds that a grant kept a core busy, and that it took, asked as a request asks."""
    from django.utils import timezone

    from portal.acting import acting_for
    from portal.models import User
    from records.actions.consents import NewConsent, grant_consent, withdraw_consent

    by = acting_for(User.objects.get(email=GUARDIAN), None)
    new = NewConsent(institution=other, until=timezone.now() + timedelta(days=1))
    with in_the_name_of(by.party):
        busy, started = _busy(), time.perf_counter()
        consent = grant_consent(patient=child, new=new, by=by)
        seconds = _busy() - busy, time.perf_counter() - started
        withdraw_consent(consent=consent, by=by)
    return seconds


def _busy() -> float:
    """Seconds of a core that this process and its server process have used so far."""
    from django.db import connection

    server = connection.connection.info.backend_pid
    nanoseconds = Path(f"/proc/{server}/schedstat").read_text("ascii").split()[0]
    return time.process_time() + int(nanoseconds) / 1e9


def _bare() -> float:
    """Seconds of a core for as many RSA-3072 private operations, and nothing else."""
    key = generate_private_key(65537, 3072)
    sealed = key.public_key().encrypt(bytes(32), oaep(b""))
    started = time.process_time()
    for _ in range(DOCUMENTS):
        key.decrypt(sealed, oaep(b""))
    return time.process_time() - started


if __name__ == "__main__":
    main()
