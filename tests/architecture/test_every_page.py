"""Who gets what answer from every page: the access policy as a table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from diagnosis.actions.jobs import claim, fail
from diagnosis.models import GradingJob, ModelVersion
from records.actions.erasure import confirm_erasure
from records.models import Act, Consent, Device, Document, EmergencyAccess, Erasure
from records.scope import Extent, Scope
from tests.cast import EMERGENCY, NEXT_YEAR, PASSWORD, Cast, picture
from tests.diagnosis.intake.archives import zipped

# Columns: who asks. Bea is asked three times: with Grace's consent for everything ("bea+"),
# for images alone ("bea~"), and without.
# Cells: the status; "in" leads to the sign-in page; "." is 404, as if it did not exist.
POLICY = """
page                  nobody grace  oscar  bea+   bea~   bea    alan   ada    boris  carl   petra
GET  home             in     302    302    302    302    302    302    302    302    302    302
GET  alive            200    200    200    200    200    200    200    200    200    200    200
GET  rules            in     .      .      .      .      .      .      200    200    .      .
POST rules            in     .      .      .      .      .      .      302    302    .      .
GET  members          in     .      .      .      .      .      .      200    200    .      .
POST members          in     .      .      .      .      .      .      302    302    .      .
GET  institutions     in     .      .      .      .      .      .      .      .      .      200
POST switch-to-b      in     .      .      302    302    302    .      .      302    .      .
GET  told             in     200    200    200    200    200    200    200    200    200    200
POST told-alan        in     .      .      .      .      .      302    .      .      .      .
POST all-read         in     302    302    302    302    302    302    302    302    302    302
GET  ledger           in     200    200    200    200    200    200    200    200    200    200
GET  health           in     .      .      .      .      .      .      200    200    .      200
GET  checkpoint       .      .      .      .      .      .      .      .      .      .      .
GET  tile             .      .      .      .      .      .      .      .      .      .      .
GET  entries          403    403    403    403    403    403    403    403    403    403    403
GET  keys             200    200    200    200    200    200    200    200    200    200    200
GET  check-page       200    200    200    200    200    200    200    200    200    200    200
GET  check-script     200    200    200    200    200    200    200    200    200    200    200
GET  check-nothing    .      .      .      .      .      .      .      .      .      .      .
POST add-checkpoint   400    400    400    400    400    400    400    400    400    400    400
GET  cosigned         .      .      .      .      .      .      .      .      .      .      .
GET  patients         in     .      .      200    200    200    200    200    200    200    .
GET  family           in     200    200    200    200    200    200    200    200    200    200
GET  patient          in     200    .      200    200    200    200    200    200    .      .
GET  consents         in     200    .      .      .      .      .      .      .      .      .
POST consents         in     302    .      .      .      .      .      .      .      .      .
GET  withdraw         in     200    .      .      .      .      .      .      .      .      .
POST withdraw         in     302    .      .      .      .      .      .      .      .      .
GET  guardians        in     .      .      .      .      .      .      .      200    .      .
POST guardians        in     .      .      .      .      .      .      .      302    .      .
GET  freeze           in     .      .      .      .      .      .      .      200    .      .
POST freeze           in     .      .      .      .      .      .      .      302    .      .
GET  hand-over        in     .      .      .      .      .      .      .      200    .      .
POST hand-over        in     .      .      .      .      .      .      .      302    .      .
GET  emergency        in     .      .      200    200    200    200    .      .      200    .
POST emergency        in     .      .      302    302    302    302    .      .      302    .
GET  emergency-for    in     .      .      200    200    200    200    .      .      .      .
POST emergency-for    in     .      .      302    302    302    302    .      .      .      .
GET  in-emergency     in     200    .      200    200    200    200    200    200    200    .
GET  a-in-emergency   in     200    .      200    200    .      200    .      .      200    .
GET  emergencies      in     .      .      .      .      .      .      200    200    .      .
GET  review-at-a      in     .      .      .      .      .      .      200    .      .      .
POST review-at-a      in     .      .      .      .      .      .      302    .      .      .
GET  erasure          in     200    .      .      .      .      .      .      .      .      .
POST erasure          in     302    .      .      .      .      .      .      .      .      .
GET  receipt          in     200    .      .      .      .      .      .      .      .      .
GET  erasures         in     .      .      .      .      .      .      200    200    .      .
GET  decide-at-a      in     .      .      .      .      .      .      200    .      .      .
POST decide-at-a      in     .      .      .      .      .      .      302    .      .      .
GET  devices          in     .      .      .      .      .      .      200    200    .      .
POST devices          in     .      .      .      .      .      .      200    200    .      .
GET  family-devices   in     200    200    .      .      .      .      .      .      .      .
POST family-devices   in     200    200    .      .      .      .      .      .      .      .
GET  revoke-device    in     200    .      .      .      .      .      .      200    .      .
POST revoke-device    in     302    .      .      .      .      .      .      302    .      .
POST api-image        401    401    401    401    401    401    401    401    401    401    401
POST stow             401    401    401    401    401    401    401    401    401    401    401
POST stow-study       401    401    401    401    401    401    401    401    401    401    401
GET  enrol            in     403    403    403    403    403    403    200    200    403    403
POST enrol            in     403    403    403    403    403    403    302    200    403    403
GET  let-go           in     403    403    403    403    403    403    .      200    403    403
POST let-go           in     403    403    403    403    403    403    .      302    403    403
GET  audit            in     200    200    200    200    200    200    200    200    200    200
GET  proof-of-a       in     200    .      200    200    .      200    200    .      .      .
GET  proof-of-b       in     200    .      200    200    200    .      .      200    .      .
GET  proof-file       in     .      .      .      .      .      .      .      .      .      .
GET  take-along       in     302    .      .      .      .      .      .      .      .      .
GET  proof-of-site    in     .      .      .      .      .      .      .      .      .      .
GET  upload           in     403    .      200    200    200    403    403    403    .      .
POST upload           in     403    .      302    302    302    403    403    403    .      .
GET  image-of-a       in     200    .      200    200    .      200    .      .      .      .
GET  image-of-b       in     200    .      200    200    200    .      .      .      .      .
GET  report-of-a      in     302    .      302    .      .      302    .      .      .      .
GET  service-copy     in     .      .      .      .      .      .      .      .      .      .
GET  preview-of-a     in     403    .      200    200    .      403    .      .      .      .
GET  preview-of-b     in     403    .      200    200    200    .      .      .      .      .
POST ask-for-a        in     403    .      302    302    .      403    .      .      .      .
POST ask-for-b        in     403    .      302    302    302    .      .      .      .      .
GET  course           in     200    .      200    200    200    200    .      .      .      .
GET  agreement        in     .      .      200    200    200    200    200    200    200    200
GET  dicom-of-a       in     200    .      200    .      .      200    .      .      .      .
GET  jobs             in     200    200    200    200    200    200    200    200    200    200
GET  staff-jobs       in     .      .      .      .      .      .      .      .      .      200
POST staff-retry      in     .      .      .      .      .      .      .      .      .      302
GET  grade-of-a       in     200    .      200    .      .      200    .      .      .      .
GET  progress-of-a    in     200    .      200    .      .      200    .      .      .      .
GET  queued-at-b      in     200    .      200    200    200    .      .      .      .      .
GET  progress-at-b    in     200    .      200    200    200    .      .      .      .      .
POST cancel-at-b      in     302    .      302    302    302    .      .      .      .      .
POST retry-at-b       in     302    .      302    302    302    .      .      .      .      .
GET  judge-at-a       in     302    .      302    .      .      302    .      .      .      .
GET  judge-at-b       in     302    .      302    302    302    .      .      .      .      .
POST judge-at-a       in     .      .      302    .      .      .      .      .      .      .
POST judge-at-b       in     .      .      302    302    302    .      .      .      .      .
GET  versions         in     .      .      .      .      .      .      .      .      .      200
GET  version          in     200    200    200    200    200    200    200    200    200    200
GET  other-version    in     .      .      .      .      .      .      .      .      .      200
GET  comparison       in     .      .      .      .      .      .      .      .      .      403
GET  try-version      in     .      .      .      .      .      .      .      .      .      200
POST try-version      in     .      .      .      .      .      .      .      .      .      302
GET  data-sets        in     .      .      200    200    200    200    200    200    200    .
GET  add-set          in     .      .      200    200    200    200    200    200    200    .
POST add-set          in     .      .      302    302    302    302    302    302    302    .
GET  set-at-b         in     .      .      200    200    200    .      .      200    .      .
GET  set-progress     in     .      .      200    200    200    .      .      200    .      .
POST give-set-at-b    in     .      .      302    302    302    .      .      302    .      .
GET  run-at-b         in     .      .      200    200    200    .      .      200    .      .
GET  results-at-b     in     .      .      200    200    200    .      .      200    .      .
GET  run-progress     in     .      .      200    200    200    .      .      200    .      .
GET  csv-at-b         in     .      .      200    200    200    .      .      200    .      .
POST cancel-set       in     .      .      302    302    302    .      .      302    .      .
POST retry-set        in     .      .      302    302    302    .      .      302    .      .
POST compare-set      in     .      .      302    302    302    .      .      302    .      .
POST publish-at-b     in     .      .      302    302    302    .      .      302    .      .
GET  published        in     200    200    200    200    200    200    200    200    200    200
GET  api-patients     403    200    200    200    200    200    200    200    200    200    200
GET  api-documents    403    200    .      200    200    200    200    200    200    .      .
GET  api-grade-of-a   403    200    .      200    .      .      200    .      .      .      .
"""


@dataclass(frozen=True)
class Page:
    """An address with what is sent there; `ready` runs before, for every asker."""

    name: str
    args: Callable[[Cast], list[Any]] = lambda cast: []
    data: Callable[[Cast], dict[str, Any]] = lambda cast: {}
    ready: Callable[[Cast], Any] = field(default=lambda cast: None)


def failed(cast: Cast) -> None:
    job = claim(job_id=cast.request().pk)
    assert job
    fail(job=job, sentence="It did not work.", traceback="")


def allowed(cast: Cast) -> None:
    if not Consent.objects.live().exists():
        cast.consent()


def erased(cast: Cast) -> None:
    confirm_erasure(erasure=cast.asked_to_erase(), by=cast.ada)


def job_at_b(cast: Cast) -> list[Any]:
    return [GradingJob.objects.get(image=cast.image_b).pk]


def other_version(cast: Cast) -> list[Any]:
    return [ModelVersion.objects.get(name="other-1").pk]


def act_about(document: str) -> Callable[[Cast], list[Any]]:
    return lambda cast: [getattr(cast, document).statement_id.hex()]


AGREED = {"decision": "accepted", "grade": "", "reason": ""}
PAGES = {
    "home": Page("home"),
    "alive": Page("alive"),
    "rules": Page(
        "rules", data=lambda c: {"age_of_majority": 16, "retention_years": 30}
    ),
    "members": Page(
        "members",
        data=lambda cast: {
            "full_name": "New Colleague",
            "email": "new@people.example",
            "role": "doctor",
        },
    ),
    "institutions": Page("institutions"),
    "switch-to-b": Page("switch_institution", data=lambda c: {"institution": c.b.pk}),
    "told": Page("notifications"),
    "told-alan": Page(
        "open_notification", lambda c: [c.alan.user.notifications.get().pk]
    ),
    "all-read": Page("read_notifications"),
    "ledger": Page("ledger"),
    "health": Page("health"),
    "checkpoint": Page("checkpoint"),
    "tile": Page("tile", lambda c: ["0", "000"]),
    "entries": Page("entries", lambda c: ["000"]),
    "keys": Page("keys"),
    "check-page": Page("checker", lambda c: ["check.html"]),
    "check-script": Page("checker", lambda c: ["check.py"]),
    "check-nothing": Page("checker", lambda c: ["README.txt"]),
    "add-checkpoint": Page("add_checkpoint"),
    "cosigned": Page("cosigned_checkpoint", lambda c: ["00" * 32]),
    "patients": Page("patients"),
    "family": Page("family"),
    "patient": Page("patient", lambda c: [c.child.pk]),
    "consents": Page(
        "consents",
        lambda c: [c.child.pk],
        lambda c: {
            "institution": c.b.pk,
            "until": NEXT_YEAR,
            "extent": "everything",
            "purpose": "TREAT",
            "allow": "yes",
        },
    ),
    "withdraw": Page(
        "withdraw",
        lambda c: [c.child.pk, Consent.objects.get(patient=c.child).pk],
        ready=allowed,
    ),
    "guardians": Page(
        "guardians",
        lambda c: [c.child.pk],
        lambda c: {
            "full_name": "Greta Abernathy",
            "email": "greta@people.example",
            "papers": "on",
        },
    ),
    "freeze": Page("freeze", lambda c: [c.child.pk, c.child.guardians.get().pk]),
    "hand-over": Page(
        "hand_over",
        lambda c: [c.child.pk],
        lambda c: {"email": "kim@people.example", "papers": "on"},
        ready=Cast.of_age,
    ),
    "emergency": Page(
        "emergency",
        data=lambda c: {
            "code": c.child.code,
            "reason": EMERGENCY,
            "password": PASSWORD,
        },
    ),
    "emergency-for": Page(
        "emergency_for",
        lambda c: [c.child.pk],
        lambda c: {"reason": EMERGENCY, "password": PASSWORD},
    ),
    "in-emergency": Page("patient", lambda c: [c.child.pk], ready=Cast.emergency),
    "a-in-emergency": Page("document", lambda c: [c.image_a.pk], ready=Cast.emergency),
    "emergencies": Page("emergencies"),
    "review-at-a": Page(
        "review",
        lambda c: [EmergencyAccess.objects.get().pk],
        lambda c: {"verdict": "justified", "note": ""},
        ready=lambda c: c.emergency(by=c.alan),
    ),
    "erasure": Page(
        "erasure", lambda c: [c.child.pk], lambda c: {"institution": c.a.pk}
    ),
    "receipt": Page(
        "receipt", lambda c: [c.child.pk, Erasure.objects.get().pk], ready=erased
    ),
    "erasures": Page("erasures"),
    "decide-at-a": Page(
        "decide",
        lambda c: [Erasure.objects.get().pk],
        lambda c: {"erase": "yes"},
        ready=Cast.asked_to_erase,
    ),
    "devices": Page(
        "devices",
        data=lambda c: {
            "name": "Ward scanner",
            "numbers": "B-16180",
            "until": NEXT_YEAR,
        },
    ),
    "family-devices": Page(
        "family_devices",
        data=lambda c: {
            "name": "Scanner at home",
            "patients": c.child.pk,
            "institution": c.b.pk,
            "until": NEXT_YEAR,
        },
    ),
    "revoke-device": Page(
        "revoke_device", lambda c: [Device.objects.get().pk], ready=Cast.device
    ),
    "api-image": Page("api_image"),
    "stow": Page("stow"),
    "stow-study": Page("stow_study", lambda c: ["1.2.3"]),
    "enrol": Page(
        "enrol",
        data=lambda c: {
            "form": "arriving",
            "arriving-code": c.child.code.lower(),
            "arriving-hospital_number": "X-1",
        },
    ),
    "let-go": Page("let_go", lambda c: [c.b.enrolments.get(patient=c.child).pk]),
    "audit": Page("audit"),
    "proof-of-a": Page("proof", act_about("image_a")),
    "proof-of-b": Page("proof", act_about("image_b")),
    "proof-file": Page("proof_file", act_about("image_a")),
    "take-along": Page("take_along", lambda c: [c.child.pk]),
    "proof-of-site": Page("proof", lambda c: ["00" * 16]),
    "upload": Page(
        "upload",
        lambda c: [c.child.pk],
        lambda c: {"file": SimpleUploadedFile("scan.png", picture(9))},
    ),
    "image-of-a": Page("document", lambda c: [c.image_a.pk]),
    "image-of-b": Page("document", lambda c: [c.image_b.pk]),
    "report-of-a": Page("document", lambda c: [c.job.report_id]),
    "service-copy": Page("document", lambda c: [c.job.copy_id]),
    "preview-of-a": Page("preview", lambda c: [c.image_a.pk]),
    "preview-of-b": Page("preview", lambda c: [c.image_b.pk]),
    "ask-for-a": Page("ask", lambda c: [c.image_a.pk]),
    "ask-for-b": Page("ask", lambda c: [c.image_b.pk]),
    "course": Page("follow_up", lambda c: [c.child.pk]),
    "agreement": Page("agreement"),
    "dicom-of-a": Page("grade_dicom", lambda c: [c.job.pk]),
    "jobs": Page("jobs"),
    "staff-jobs": Page("staff_jobs", ready=failed),
    "staff-retry": Page("staff_retry", job_at_b, ready=failed),
    "grade-of-a": Page("job", lambda c: [c.job.pk]),
    "progress-of-a": Page("progress", lambda c: [c.job.pk]),
    "queued-at-b": Page("job", job_at_b, ready=Cast.request),
    "progress-at-b": Page("progress", job_at_b, ready=Cast.request),
    "cancel-at-b": Page("cancel", job_at_b, ready=Cast.request),
    "retry-at-b": Page("retry", job_at_b, ready=failed),
    "judge-at-a": Page("judge", lambda c: [c.job.pk], lambda c: AGREED),
    "versions": Page("versions"),
    "version": Page("version", lambda c: [c.version.pk]),
    "other-version": Page("version", other_version, ready=Cast.other_version),
    "comparison": Page("comparison", other_version, ready=Cast.other_version),
    "try-version": Page(
        "decide_version",
        lambda c: [*other_version(c), "shadow"],
        lambda c: {"reason": "To compare it."},
        ready=Cast.other_version,
    ),
    "data-sets": Page("data_sets"),
    "add-set": Page(
        "add_set",
        data=lambda c: {
            "title": "Autumn",
            "purpose": "grading",
            "file": SimpleUploadedFile("set.zip", zipped({"a.png": picture(9)})),
        },
    ),
    "set-at-b": Page("data_set", lambda c: [c.data_set.pk]),
    "set-progress": Page("set_progress", lambda c: [c.data_set.pk]),
    "give-set-at-b": Page("give_set", lambda c: [c.data_set.pk]),
    "run-at-b": Page("run", lambda c: [c.run_waiting.pk]),
    "results-at-b": Page("run", lambda c: [c.run_done.pk]),
    "run-progress": Page("run_progress", lambda c: [c.run_waiting.pk]),
    "csv-at-b": Page("run_csv", lambda c: [c.run_done.pk]),
    "cancel-set": Page("cancel_set", lambda c: [c.run_waiting.pk]),
    "retry-set": Page("retry_set", lambda c: [c.run_waiting.pk]),
    "compare-set": Page("compare_set", lambda c: [c.run_done.pk]),
    "publish-at-b": Page("publish", lambda c: [c.run_done.pk]),
    "published": Page("published"),
    "api-patients": Page("api_patients"),
    "api-documents": Page("api_documents", lambda c: [c.child.pk]),
    "api-grade-of-a": Page("api_job", lambda c: [c.job.pk]),
    "judge-at-b": Page("judge", job_at_b, lambda c: AGREED, ready=Cast.graded),
}
ASKERS, *ROWS = (line.split()[-11:] for line in POLICY.strip().splitlines())
ASKED = [tuple(line.split()[:2]) for line in POLICY.strip().splitlines()[1:]]


@pytest.mark.parametrize(
    ("method", "page", "cells"),
    [(*asked, row) for asked, row in zip(ASKED, ROWS, strict=True)],
    ids=[" ".join(asked) for asked in ASKED],
)
def test_every_page_answers_each_as_the_policy_says(
    cast: Cast, sign_in, anonymous: Client, method: str, page: str, cells: list[str]
):
    given = {}
    for asker in ASKERS:
        with transaction.atomic():
            allow(cast, asker)
            name = asker.rstrip("+~")
            client = anonymous if name == "nobody" else sign_in(name)
            given[asker] = answer(client, method, PAGES[page])
            transaction.set_rollback(True)
    assert given == dict(zip(ASKERS, cells, strict=True))


def allow(cast: Cast, asker: str) -> None:
    """What Grace allowed before somebody asks."""
    if asker == "bea+":
        cast.consent()
    elif asker == "bea~":
        cast.consent(Scope(Extent.KIND, kind=Document.Kind.IMAGE))


def answer(client: Client, method: str, page: Page) -> str:
    cast = Cast()
    page.ready(cast)
    address = reverse(page.name, args=page.args(cast))
    if method == "POST":
        response = client.post(address, page.data(cast))
    else:
        response = client.get(address)
    leads_to = response.headers.get("Location", "")
    if response.status_code == 302 and leads_to.startswith(reverse("account_login")):
        return "in"
    return {404: "."}.get(response.status_code, str(response.status_code))


def test_no_page_is_left_out_of_the_policy():
    named = {page.name for page in PAGES.values()}
    assert named == {n for n in names(get_resolver()) if not n.startswith("account_")}
    assert {page for _method, page in ASKED} == set(PAGES)


def names(resolver: URLResolver) -> set[str]:
    found: set[str] = set()
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            found.add(str(pattern.name))
        else:
            found |= names(pattern)
    return found


ONLY = {
    name: methods.pop()
    for name in PAGES
    if len(methods := {m for m, p in ASKED if PAGES[p].name == PAGES[name].name}) == 1
}


def test_a_page_takes_no_other_method_than_the_policy_names(cast: Cast, sign_in):
    client = sign_in("bea")
    for name, method in ONLY.items():
        with transaction.atomic():
            PAGES[name].ready(cast)
            address = reverse(PAGES[name].name, args=PAGES[name].args(Cast()))
            other = client.post if method == "GET" else client.get
            assert other(address).status_code == 405, name
            transaction.set_rollback(True)


def test_an_act_seen_by_the_guardian_alone_has_no_proof_for_doctors(
    cast: Cast, sign_in
):
    allowed(cast)
    granted = Act.objects.get(patient=cast.child, event=30)
    address = reverse("proof", args=[bytes(granted.statement_id).hex()])
    assert sign_in("grace").get(address).status_code == 200
    assert sign_in("bea").get(address).status_code == 404


@pytest.mark.parametrize(
    "path", ["/proofs/xyz/", "/proofs/00ff/", "/nothing/", "/documents/1/"]
)
def test_what_does_not_exist_is_a_404_with_words(cast: Cast, sign_in, path: str):
    response = sign_in("grace").get(path)
    assert response.status_code == 404
    assert "what it led to is not open to you" in response.text
