"""A real portal with a real browser in front of it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.stack import Stack, free_port, start_stack

PASSWORD = "anamnesis-demo"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SignIn = Callable[[str], Page]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The demo world, served by every process the product has."""
    # Not pytest's own folder: as root, the database runs as a user who may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="anamnesis-journey-"))
    running = start_stack(folder / "var", free_port())
    yield running
    if running.process.poll() is None:
        running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def browser() -> Iterator[Browser]:
    # One for each test: while Playwright lives, its event loop runs in this thread,
    # and Django refuses the database to whatever test comes next.
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=FLAGS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def sign_in(stack: Stack, browser: Browser) -> Iterator[SignIn]:
    """Sign somebody in, each in a browser profile of their own.

    A page that logs an error, breaks the content security policy or gets an
    answer of 500 fails the test.
    """
    contexts, troubles = [], []

    def signed_in(email: str) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda said: (
                troubles.append(said.text)
                if said.type == "error" and "404" not in said.text
                else None
            ),
        )
        page.goto(f"{stack.url}/accounts/login/")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")
        return page

    yield signed_in
    for context in contexts:
        context.close()
    assert troubles == []
