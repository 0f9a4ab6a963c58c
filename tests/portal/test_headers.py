"""Every answer keeps out of caches and frames, and runs only the portal's own code."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.defaults import server_error

from tests.cast import Cast

Ask = Callable[[Cast, Callable[[str], Client]], Any]
ANSWERS: dict[str, tuple[int, Ask]] = {
    "a page": (200, lambda c, s: s("grace").get(reverse("family"))),
    "a history": (
        200,
        lambda c, s: s("grace").get(reverse("patient", args=[c.child.pk])),
    ),
    "the sign-in page": (200, lambda c, s: Client().get("/accounts/login/")),
    "a redirect": (302, lambda c, s: Client().get("/")),
    "a refusal": (403, lambda c, s: s("bea").get(reverse("enrol"))),
    "nothing": (404, lambda c, s: s("carl").get("/patients/x/")),
    "another method": (405, lambda c, s: s("carl").post(reverse("family"))),
    "JSON": (200, lambda c, s: s("bea").get(reverse("api_patients"))),
    "a life sign": (200, lambda c, s: Client().get(reverse("alive"))),
    "a form without its token": (
        403,
        lambda c, s: Client(enforce_csrf_checks=True).post("/accounts/login/"),
    ),
}


@pytest.mark.parametrize(("status", "ask"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_has_the_headers(cast: Cast, sign_in, status: int, ask: Ask):
    response = ask(cast, sign_in)
    assert response.status_code == status
    headers = response.headers
    assert "no-store" in headers["Cache-Control"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_pages_hold_no_code_of_their_own(cast: Cast, sign_in):
    for name, address in (
        ("grace", reverse("patient", args=[cast.child.pk])),
        ("grace", reverse("document", args=[cast.image_a.pk])),
        ("grace", reverse("job", args=[cast.job.pk])),
        ("boris", reverse("enrol")),
        ("petra", reverse("institutions")),
    ):
        page = sign_in(name).get(address).text
        for forbidden in ("<style", " style=", " onclick=", "javascript:", "<script>"):
            assert forbidden not in page, address


def test_cookies_are_kept_from_scripts_and_other_sites(cast: Cast, static_files):
    user = cast.grace.user
    user.set_password("a-long-enough-secret-7")
    user.save()
    client = Client()
    client.post(
        "/accounts/login/",
        {"login": user.email, "password": "a-long-enough-secret-7"},
    )
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"]


def test_a_form_sent_from_elsewhere_changes_nothing(cast: Cast):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.grace.user)
    response = client.post(
        reverse("consents", args=[cast.child.pk]),
        {"institution": cast.b.pk, "until": "2999-01-01"},
    )
    assert response.status_code == 403
    assert not cast.child.consents.exists()


def test_a_refusal_says_why(cast: Cast, sign_in):
    page = sign_in("bea").get(reverse("enrol")).text
    assert "Only a hospital's admin can enrol patients." in page.replace("&#x27;", "'")


def test_the_page_for_our_own_faults_stands_without_any_context(static_files):
    response = server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert b"<h1>" in response.content


def test_the_life_sign_asks_the_database_nothing(static_files):
    # No `db`: a query would be refused.
    assert Client().get(reverse("alive")).json() == {"alive": True}
