"""Three sites that do not trust each other's word: three databases, keys and origins.

Each witnesses the other two. One of them loses its last entries, gets them back from a
mirror that a hospital runs, and is caught when its key signs a second history.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
import requests
from playwright.sync_api import Browser, expect
from psycopg.conninfo import make_conninfo

from ledger.checkpoint import Checkpoint, parse_and_verify
from ledger.cosignature import cosignatures
from ledger.policy import Policy, parse_policy
from ledger.verifier_key import VerifierKey
from portal.environment import BASE
from tests.journeys.stack import Stack, eventually, free_port, start_stack

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(300)]

NAMES = ("alder", "birch", "cedar")
PASSWORD = "a-journey's-password"
SIGN_ANOTHER_HISTORY = """
from ledger.checkpoint import Checkpoint, sign
from ledger.site import log_signer, origin
print(sign(Checkpoint(origin(), {size}, bytes(32)), log_signer()), end="")
"""
SET_PASSWORD = """
from portal.models import User
user = User.objects.get(email="admin@{name}.example")
user.set_password({password!r})
user.save()
"""


@dataclass
class Site:
    name: str
    stack: Stack

    @property
    def origin(self) -> str:
        return f"{self.name}.example/ledger"

    def keys(self) -> list[str]:
        """Its log and its witness, as lines of a policy."""
        done = self.stack.manage("ledger_keys")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def register(self, hospital: str) -> None:
        """Let something happen here."""
        email = f"admin@{self.name}.example"
        done = self.stack.manage(
            "register_institution", hospital, "--admin", email, "--admin-name", "Ada"
        )
        assert done.returncode == 0, done.stderr

    def head(self) -> str:
        answer = requests.get(f"{self.stack.url}/ledger/checkpoint", timeout=5)
        return answer.text if answer.status_code == 200 else ""

    def shell(self, code: str) -> str:
        done = self.stack.manage("shell", "--no-imports", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def superuser(self, *statements: str) -> None:
        """Change its tables as only a superuser can."""
        folder = self.stack.var / "postgres"
        lines = (folder / "postmaster.pid").read_text().splitlines()
        conninfo = make_conninfo(
            host=lines[4], port=lines[3], user="postgres", dbname="anamnesis"
        )
        with psycopg.connect(conninfo, autocommit=True) as login:
            for table in ("entry", "checkpoint", "cosignature"):
                login.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL")
            for statement in statements:
                login.execute(statement)
            for table in ("entry", "checkpoint", "cosignature"):
                login.execute(f"ALTER TABLE ledger.{table} ENABLE TRIGGER ALL")


@pytest.fixture(scope="module")
def sites() -> Iterator[list[Site]]:
    folder = Path(tempfile.mkdtemp(prefix="anamnesis-sites-"))
    with ExitStack() as running:
        found = []
        for name in NAMES:
            stack = start_stack(
                folder / name,
                free_port(),
                "--no-demo",
                "--only",
                "web",
                "sequencer",
                LEDGER_ORIGIN=f"{name}.example/ledger",
            )
            running.callback(stack.stop)
            found.append(Site(name, stack))
        introduce(found)
        for site in found:
            site.register(f"{site.name.title()} Hospital")
        yield found
    shutil.rmtree(folder, ignore_errors=True)


def introduce(sites: list[Site]) -> None:
    """Each site learns the others' logs and witnesses, and wants both of them."""
    lines = {site.name: site.keys() for site in sites}
    for site in sites:
        others = [name for name in NAMES if name != site.name]
        known = [line for name in others for line in lines[name]]
        members = " ".join(f"{name}.example/ledger/witness" for name in others)
        text = "\n".join([*known, f"group others all {members}", "quorum others", ""])
        (site.stack.var / "ledger-policy").write_text(text)


def policy_of(site: Site) -> Policy:
    return parse_policy((site.stack.var / "ledger-policy").read_text())


def is_witnessed(site: Site, at_least: int = 1) -> Checkpoint | None:
    """Its head, once both others have cosigned it."""
    note = site.head()
    if not note:
        return None
    checkpoint = parse_and_verify(
        note, origin=site.origin, public_key=own_key(site).public_key
    )
    known = policy_of(site)
    said = cosignatures(note, known.witness_keys)
    enough = known.is_met({each.identity for each in said})
    return checkpoint if enough and checkpoint.size >= at_least else None


def witnessed(site: Site, at_least: int = 2) -> Checkpoint:
    """Its head, waited for until both others have cosigned it."""
    head = eventually(
        lambda: is_witnessed(site, at_least),
        seconds=90,
        what=f"{site.name} is witnessed by both others up to {at_least}",
    )
    assert head
    return head


def own_key(site: Site) -> VerifierKey:
    return parse_policy("\n".join([*site.keys(), "quorum none"])).logs[0].key


@contextmanager
def mirror_of(site: Site) -> Iterator[str]:
    """A hospital's own witness with its copy of the log; yields the copy's address."""
    folder, bind = site.stack.var / "hospital", f"127.0.0.1:{free_port()}"
    command = [sys.executable, str(BASE / "manage.py"), "witness", str(folder)]
    said = subprocess.run(
        [*command, "--name", "hospital.example/witness", "--keys"],
        env=site.stack.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    (site.stack.var / "ledger-mirrors").write_text(f"{said[1].split()[1]}\n")
    policy = folder / "policy"
    policy.write_text(f"{site.keys()[0]}\nquorum none\n")
    process = subprocess.Popen(
        [*command, "--policy", str(policy), "--bind", bind], env=site.stack.environment
    )
    try:
        hashed = sha256(site.origin.encode()).hexdigest()
        yield f"http://{bind}/mirror/{hashed}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def copied(address: str) -> int:
    """How many entries the copy holds."""
    try:
        answer = requests.get(f"{address}/checkpoint", timeout=5)
    except requests.ConnectionError:
        return 0
    return int(answer.text.split("\n")[1]) if answer.status_code == 200 else 0


def test_three_sites_witness_each_other(sites: list[Site]):
    for site in sites:
        assert witnessed(site).origin == site.origin
        done = site.stack.manage("verify_ledger", "--signatures", "--json")
        assert '"intact": true' in done.stdout, done.stdout + done.stderr


def test_each_log_enters_the_others_checkpoints(sites: list[Site]):
    sizes = [witnessed(site).size for site in sites]
    for site in sites:
        entered = site.shell("from ledger.tasks import anchor_logs; anchor_logs()")
        assert entered == ""
    for site, size in zip(sites, sizes, strict=True):
        witnessed(site, size + 2)
        done = site.stack.manage("verify_ledger", "--bodies", "10")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Contents fetched and hashed again: 2, 0 of them damaged" in done.stdout


def test_a_restored_backup_is_refused_then_recovered_from_a_mirror(sites: list[Site]):
    site = sites[0]
    before = witnessed(site)
    with mirror_of(site) as address:
        eventually(
            lambda: copied(address) >= before.size, seconds=60, what="copied in full"
        )
        site.superuser(
            "DELETE FROM ledger.cosignature WHERE size > 1",
            "DELETE FROM ledger.checkpoint",
            "DELETE FROM ledger.entry WHERE seq >= 1",
        )
        site.register("Aspen Hospital")
        eventually(
            lambda: "recover_ledger" in site.stack.log.read_text(),
            seconds=60,
            what="the sequencer refuses with a sentence",
        )
        done = site.stack.manage("recover_ledger", "--from", address)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{before.size - 1} entries were missing and are back" in done.stdout
    # It goes on, with what was accepted meanwhile.
    witnessed(site, before.size + 2)
    done = site.stack.manage("verify_ledger", "--signatures")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_history_is_kept_as_evidence_and_shown_in_red(
    sites: list[Site], browser: Browser
):
    liar, honest = sites[2], sites[1]
    head = witnessed(liar)
    forged = liar.shell(SIGN_ANOTHER_HISTORY.format(size=head.size))
    answer = requests.post(
        f"{honest.stack.url}/ledger/witness/add-checkpoint",
        data=f"old {head.size}\n\n{forged}".encode(),
        timeout=5,
    )
    assert answer.status_code == 422
    honest.shell(SET_PASSWORD.format(name=honest.name, password=PASSWORD))
    page = browser.new_page()
    page.goto(f"{honest.stack.url}/accounts/login/")
    page.get_by_label("Email").fill(f"admin@{honest.name}.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text(f"{liar.origin} has signed two histories")
    page.get_by_role("link", name="See the two signed notes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    expect(page.get_by_text("This ledger has signed two histories")).to_be_visible()
