"""People sign in with an e-mail address; accounts are made by institutions only."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import NoReverseMatch, reverse

from portal.accounts import find_or_create_account
from portal.models import User
from tests.cast import Cast, email

PASSWORD = "a-long-enough-secret-7"
LOGIN = "/accounts/login/"


@pytest.fixture
def grace(cast: Cast) -> User:
    """Grace, with a password."""
    user = cast.grace.user
    user.set_password(PASSWORD)
    user.save()
    return user


def log_in(client: Client, login: str, password: str, **more: str):
    return client.post(LOGIN, {"login": login, "password": password, **more})


def test_everyone_is_led_to_the_sign_in_page(anonymous: Client, cast: Cast):
    response = anonymous.get("/", follow=True)
    assert response.redirect_chain[0][0].startswith(LOGIN)
    assert "Sign in" in response.text


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_the_right_password_signs_in(anonymous: Client, grace: User, spelling):
    response = log_in(anonymous, spelling(grace.email), PASSWORD)
    assert response.status_code == 302
    assert anonymous.get(reverse("family")).status_code == 200


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    anonymous: Client, grace: User
):
    def errors(login: str) -> str:
        page = log_in(anonymous, login, "wrong").text
        return " ".join(re.findall(r'class="field-error">(.*?)</p>', page, re.DOTALL))

    known, unknown = errors(grace.email), errors("nobody@people.example")
    assert known == unknown
    assert anonymous.get(reverse("family")).status_code == 302


def test_guessing_is_stopped(anonymous: Client, grace: User):
    for _ in range(12):
        log_in(anonymous, grace.email, "wrong")
    assert log_in(anonymous, grace.email, PASSWORD).status_code != 302
    assert anonymous.get(reverse("family")).status_code == 302


def test_a_closed_account_does_not_sign_in(anonymous: Client, grace: User):
    grace.is_active = False
    grace.save()
    log_in(anonymous, grace.email, PASSWORD)
    assert anonymous.get(reverse("family")).status_code == 302


def test_closing_an_account_ends_its_sessions(cast: Cast, sign_in):
    client = sign_in("bea")
    assert client.get(reverse("patients")).status_code == 200
    User.objects.filter(email=email("bea")).update(is_active=False)
    assert client.get(reverse("patients")).status_code == 302


def test_signing_out_ends_the_session(cast: Cast, sign_in):
    client = sign_in("grace")
    client.post("/accounts/logout/")
    assert client.get(reverse("family")).status_code == 302


def test_asking_to_sign_out_does_not_yet(cast: Cast, sign_in):
    client = sign_in("grace")
    assert client.get("/accounts/logout/").status_code == 200
    assert client.get(reverse("family")).status_code == 200


def test_passers_by_cannot_make_accounts(anonymous: Client, cast: Cast):
    before = User.objects.count()
    try:
        address = reverse("account_signup")
    except NoReverseMatch:
        return
    assert anonymous.get(address).status_code == 200
    data = {"email": "new@people.example", "password1": PASSWORD, "password2": PASSWORD}
    anonymous.post(address, data)
    assert User.objects.count() == before


def test_nobody_is_led_to_another_site(anonymous: Client, grace: User):
    response = log_in(
        anonymous, grace.email, PASSWORD, next="https://elsewhere.example/"
    )
    assert response.headers["Location"].startswith("/")


def test_a_deep_link_survives_the_sign_in(anonymous: Client, cast: Cast, grace: User):
    target = reverse("patient", args=[cast.child.pk])
    response = log_in(anonymous, grace.email, PASSWORD, next=target)
    assert response.headers["Location"] == target


def test_a_new_account_opens_by_a_password_reset(anonymous: Client, cast: Cast):
    nina = "nina@people.example"
    account = find_or_create_account(email=nina, full_name="Nina New")
    assert not account.has_usable_password()
    anonymous.post("/accounts/password/reset/", {"email": nina})
    (sent,) = mail.outbox
    assert sent.to == [nina]
    (link,) = re.findall(
        r"https?://[^\s]+(/accounts/password/reset/key/\S+)", str(sent.body)
    )
    form = anonymous.get(link, follow=True)
    anonymous.post(
        form.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD}
    )
    assert log_in(anonymous, nina, PASSWORD).status_code == 302
    assert anonymous.get(reverse("family")).status_code == 200


def test_a_reset_for_an_unknown_address_says_the_same(anonymous: Client, cast: Cast):
    known = anonymous.post("/accounts/password/reset/", {"email": email("bea")})
    unknown = anonymous.post(
        "/accounts/password/reset/", {"email": "no@people.example"}
    )
    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"]


def test_a_password_that_is_easily_guessed_is_refused(
    anonymous: Client, cast: Cast, sign_in, grace: User
):
    client = Client()
    log_in(client, grace.email, PASSWORD)
    data = {"oldpassword": PASSWORD, "password1": "password", "password2": "password"}
    page = client.post("/accounts/password/change/", data)
    assert "too common" in page.text
    assert log_in(anonymous, grace.email, PASSWORD).status_code == 302
