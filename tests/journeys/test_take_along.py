"""A mother takes the proofs of her child's history along and checks them offline."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.bundle import page as page_of
from tests.journeys.conftest import SignIn
from tests.journeys.stack import Stack, eventually
from tests.ledger.values import flip

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def bundle(stack: Stack, sign_in: SignIn) -> bytes:
    """The file as the browser saves it, once the demo's witnesses have cosigned."""
    page = sign_in("parent@family.example")
    page.get_by_role("link", name="Lena Keller").click()

    def witnessed() -> bool:
        page.reload()
        return page.get_by_text("Witnessed by", exact=False).count() > 0

    eventually(witnessed, seconds=60, what="the hospitals' witnesses cosign")
    with page.expect_download() as saving:
        page.get_by_role("link", name="Download the proofs").click()
    assert saving.value.suggested_filename.endswith(".zip")
    return Path(saving.value.path()).read_bytes()


def members(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def opened_offline(browser: Browser, folder: Path, text: bytes | str) -> Page:
    """The page in a browser of its own, from a file, with the network off."""
    path = folder / "check.html"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_offline(True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html:not([data-verdict=checking])")
    return page


def verdict(page: Page) -> str:
    return page.get_attribute("html", "data-verdict") or ""


def test_the_bundle_says_intact_without_the_portal(
    bundle: bytes, browser: Browser, tmp_path: Path
):
    files = members(bundle)
    page = opened_offline(browser, tmp_path, files["check.html"])
    assert verdict(page) == "intact"
    expect(
        page.get_by_text("Maria Keller").or_(page.get_by_text("Lena Keller")).first
    ).to_be_visible()
    script, archive = tmp_path / "check.py", tmp_path / "bundle.zip"
    script.write_bytes(files["check.py"])
    archive.write_bytes(bundle)
    checked = subprocess.run(
        [sys.executable, "-I", str(script), str(archive)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "intact" in checked.stdout


def test_one_changed_byte_is_named_by_its_entry(
    bundle: bytes, browser: Browser, tmp_path: Path
):
    files = members(bundle)
    name = sorted(n for n in files if n.endswith(".entry"))[3]
    changed = {**files, name: flip(files[name], 90 * 8)}
    text = page_of({n: data for n, data in changed.items() if n != "check.html"})
    page = opened_offline(browser, tmp_path, text)
    assert verdict(page) == "wrong"
    links = page.locator(".verdict-list a").all_inner_texts()
    number = int(Path(name).stem)
    assert links == [f"Entry {number}"]
