"""The page that checks a proof bundle in the reader's browser, without a network."""

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, sync_playwright

from ledger.bundle import page
from ledger.hashing import leaf_hash
from ledger.verifier_key import VerifierKey
from tests.ledger.bundle_attacks import ATTACKS, INTACT, KEYS, retold
from tests.ledger.bundles import (
    EVIDENCE,
    LOG_PARTY,
    NORTH,
    SEQS,
    SOUTH,
    TITLE,
    bundle,
    entry_file,
    flipped,
    honest_log,
    is_threshold,
    members,
    parts,
    whole,
)
from tests.ledger.values import ORIGIN, flip, signer

pytestmark = pytest.mark.journey

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
VERDICTS = ("intact", "wrong", "unreadable", "unwitnessed")  # as check.py exits
MODULE = '<script type="module">'


@dataclass
class Reader:
    """Somebody with a browser who opens the page out of a folder."""

    page: Page
    folder: Path
    troubles: list[str] = field(default_factory=list)
    files: int = 0

    def open(self, text: str) -> str:
        """Open a page; returns its verdict."""
        path = self.folder / "check.html"
        path.write_text(text)
        self.page.goto(path.as_uri())
        return self.verdict()

    def choose(self, data: bytes) -> str:
        """Choose a zip in the page that is open; returns the verdict on it."""
        self.files += 1
        name = f"bundle-{self.files}.zip"
        payload: FilePayload = {
            "name": name, "mimeType": "application/zip", "buffer": data,
        }  # fmt: skip
        self.page.set_input_files("#file", payload)
        self.page.locator("#eyebrow", has_text=name).wait_for()
        return self.verdict()

    def verdict(self) -> str:
        self.page.wait_for_selector("html:not([data-verdict=checking])")
        return self.page.get_attribute("html", "data-verdict") or ""

    def named(self) -> tuple[int, ...]:
        """The entries that the verdict calls wrong."""
        links = self.page.locator(".verdict-list a").all_inner_texts()
        return tuple(int(text.removeprefix("Entry ")) for text in links)

    def says(self) -> str:
        return self.page.inner_text("#verdict")

    def watch(self) -> None:
        """Note every error, every line on the console and every request but one."""
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda said: self.troubles.append(said.text))
        self.page.on("request", lambda asked: self.note_request(asked.url))

    def note_request(self, url: str) -> None:
        if url != (self.folder / "check.html").as_uri():
            self.troubles.append(url)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    # One browser for each test: see tests/journeys/conftest.py.
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=FLAGS
        )
        context = chromium.new_context()
        context.set_offline(True)
        someone = Reader(context.new_page(), tmp_path)
        someone.watch()
        yield someone
        chromium.close()
    assert someone.troubles == []


def embedded(**changes: bytes) -> str:
    """The page of the bundle, with members of it replaced."""
    return page(
        {n: data for n, data in {**parts(), **changes}.items() if n != "check.html"}
    )


# --- What it says ---------------------------------------------------------------------


def test_the_page_of_a_bundle_says_intact(reader: Reader):
    assert reader.open(parts()["check.html"].decode()) == "intact"
    assert "Everything here is intact." in reader.says()
    assert "2 of 3 witnesses" in reader.says()
    assert reader.page.inner_text("h1") == TITLE
    assert reader.page.locator(".link.is-witnessed").count() == len(SEQS)
    newest = reader.page.locator(".link").first.inner_text()
    assert "A document was read." in newest
    assert "Dr Amal Haddad" in newest
    assert str(LOG_PARTY.key) in reader.page.inner_text("#keys")


def test_the_details_of_an_entry_are_its_decoded_fields(reader: Reader):
    reader.open(embedded())
    reader.page.locator("#entry-42 summary").click()
    details = reader.page.inner_text("#entry-42")
    assert leaf_hash(honest_log()[42]).hex() in details
    assert "7b1f0e6c-4f6d-4c55-a1d6-f2a9c0de1234" in details
    assert SOUTH.signer.key_id.hex() in details
    cid = base64.b32encode(SOUTH.statement(42).cid).decode().lower().rstrip("=")
    assert f"b{cid}" in details
    assert "2026-09-21T14:13:20.042Z" in details


def test_one_byte_of_an_embedded_entry_is_found(reader: Reader):
    damaged = flip(parts()[entry_file(42)], 1000)
    assert reader.open(embedded(**{entry_file(42): damaged})) == "wrong"
    assert reader.named() == (42,)
    assert "Entry 42 is wrong." in reader.says()
    assert "Ultrasound, left kidney" in reader.says()
    assert reader.page.locator("#entry-42.is-broken").count() == 1
    assert reader.page.locator(".link.is-broken").count() == 1


def test_what_a_ledger_alone_has_signed_is_told_apart(reader: Reader):
    reader.open(page())
    assert reader.choose(bundle(names=["east"])) == "unwitnessed"
    assert "Signed, not yet witnessed." in reader.says()
    assert "1 of 3 witnesses" in reader.says()
    assert reader.page.locator(".link.is-sequenced").count() == len(SEQS)


def test_a_page_without_a_bundle_asks_for_one(reader: Reader):
    assert reader.open(page()) == "empty"
    assert reader.choose(whole()) == "intact"
    assert reader.choose(whole()[:1000]) == "unreadable"
    assert reader.page.locator("#entries").is_hidden()
    assert reader.choose(flipped(entry_file(255), 1000)) == "wrong"
    assert reader.named() == (255,)


def test_a_pasted_key_is_compared(reader: Reader):
    reader.open(embedded())
    for pasted, said in (
        (str(LOG_PARTY.key), f"stands here for {ORIGIN}"),
        (f"  {KEYS['east']} ", "stands here for east.example/witness"),
        (NORTH.signer.key_id.hex(), "North Children's Hospital"),
        (str(VerifierKey(ORIGIN, signer(66).public_key)), "None of the keys"),
        (f"log {LOG_PARTY.key} https://log.example", "the key that stands here for"),
        (
            f"# known\nlog {LOG_PARTY.key}\n\n# author {NORTH.signer.key_id.hex()} North",
            "2 of the keys",
        ),
        ("", ""),
    ):
        reader.page.fill("#published", pasted)
        assert said in reader.page.inner_text("#published-answer")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_a_phone_and_a_desk(reader: Reader, width: int):
    reader.page.set_viewport_size({"width": width, "height": 800})
    reader.open(embedded())
    for summary in reader.page.locator("summary").all():
        summary.click()
    root = "document.documentElement"
    assert reader.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0


# --- What cannot fool it --------------------------------------------------------------


@pytest.mark.slow
def test_the_page_says_the_same_of_every_attack(reader: Reader):
    reader.open(page())
    for name, attack in ATTACKS.items():
        verdict = reader.choose(attack.make())
        assert (name, verdict) == (name, VERDICTS[attack.status])
        assert (name, reader.named()) == (name, attack.named)
        assert ("intact" in reader.says()) == (attack.status == INTACT), name


@pytest.mark.slow
def test_no_bit_of_the_evidence_can_be_changed(reader: Reader):
    reader.open(page())
    for name in EVIDENCE:
        for turn in range(9):
            place = sha256(f"{name} {turn}".encode()).digest()
            bit = int.from_bytes(place[:4], "big") % (len(parts()[name]) * 8)
            if is_threshold(name, bit):
                continue
            verdict = reader.choose(flipped(name, bit))
            assert (name, bit, verdict) == (name, bit, "wrong")
            if "/" in name:
                assert reader.named() == (int(Path(name).stem),)


@pytest.mark.parametrize(
    "broken",
    [
        "SubtleCrypto.prototype.importKey = async () => { throw new Error(); };",
        "SubtleCrypto.prototype.verify = async () => true;",
        "Object.defineProperty(crypto, 'subtle', { value: undefined });",
    ],
)
def test_a_browser_that_cannot_check_signatures_never_says_intact(
    reader: Reader, broken: str
):
    text = embedded().replace(MODULE, f"<script>{broken}</script>{MODULE}")
    assert reader.open(text) == "unreadable"
    assert "cannot check signatures" in reader.says()
    assert "intact" not in reader.says()


def test_what_is_told_is_shown_as_text(reader: Reader):
    markup = "<img src=x onerror=alert(1)></script><b>bold</b>"

    def change(said: dict[str, Any]) -> None:
        said["title"] = markup
        for listed in said["entries"]:
            listed["told"].update(about=markup, what=markup)

    told = members(retold(change)())["told.json"]
    assert json.loads(told)["title"] == markup
    assert reader.open(embedded(**{"told.json": told})) == "intact"
    assert reader.page.inner_text("h1") == markup
    assert reader.page.locator("main b, main img").count() == 0
    assert "A document was read." in reader.page.inner_text("#entry-299 h3")
