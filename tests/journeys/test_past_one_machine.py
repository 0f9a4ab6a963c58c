"""Two workers on machines of their own grade for one portal; one of them dies.

PostgreSQL and Redis speak TLS, with certificates that everybody checks. Each worker has
an IPFS node, no master key, and a login of the database that passes no wall.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg.rows import dict_row

from portal.environment import BASE
from tests.journeys.servers import make_database, postgres, postgres_url, redis_server
from tests.journeys.sites import JOBS, PICTURES
from tests.journeys.stack import eventually, stack_environment
from tests.journeys.tls import Authority
from tests.records.storage.ipfs_daemon import (
    IpfsDaemon,
    install,
    missing_tools,
    new_swarm_key,
)

pytestmark = [
    pytest.mark.journey,
    pytest.mark.ipfs,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]

Row = dict[str, Any]
BATCH = 8
"""Pictures that a worker keeps at once."""
ENDED_SECONDS = 600
NAMES = ("portal", "first", "second")


@dataclass
class Machine:
    """One machine: its folder, what it was told, and the node beside it."""

    environment: dict[str, str]
    log: Path

    def manage(self, *command: str, **given: str) -> str:
        """Run one of our commands there and return what it says."""
        done = subprocess.run(
            [sys.executable, str(BASE / "manage.py"), *command],
            env=self.environment | given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def do(self, call: str) -> Any:
        """Call a function of tests.journeys.sites there."""
        code = f"from tests.journeys import sites; sites.{call}"
        return json.loads(self.manage("shell", "--no-imports", "-c", code))

    @contextmanager
    def process(
        self, *command: str, **given: str
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """One of our processes, with all it starts, until the block ends."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(BASE / "manage.py"), *command],
                env=self.environment | given,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End it and all it started as a power cut would; again is harmless."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait(timeout=20)


@dataclass
class Site:
    """The portal's machine and its workers', with what the service was given."""

    machines: dict[str, Machine]
    nodes: dict[str, IpfsDaemon]
    superuser: str
    sent: dict[str, list[str]]

    def rows(self, query: str, *values: Any) -> list[Row]:
        with psycopg.connect(self.superuser, row_factory=dict_row) as login:
            return login.execute(query, values).fetchall()

    def runs(self, ids: list[str]) -> list[Row]:
        query = "SELECT id, state, done, claim, failure FROM diagnosis_setrun WHERE id = ANY(%s::uuid[])"
        return self.rows(query, ids)

    def runs_if(self, holds: Callable[[Row], bool], ids: list[str]) -> list[Row]:
        """The runs, once it holds for all of them."""
        rows = self.runs(ids)
        return rows if all(holds(row) for row in rows) else []


def in_the_middle(run: Row) -> bool:
    return bool(run["state"] == "running" and BATCH <= run["done"] < PICTURES)


def is_ended(run: Row) -> bool:
    return run["state"] in {"done", "failed"}


@pytest.fixture
def site() -> Iterator[Site]:
    if missing := missing_tools():
        pytest.skip(f"The IPFS node for tests needs {' and '.join(missing)}.")
    # Not pytest's own folder: as root, PostgreSQL runs as a user who may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="anamnesis-machines-"))
    folder.chmod(0o711)
    authority = Authority("The tests' own")
    ca = authority.write(folder / "ca.crt")
    with ExitStack() as running:
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        port, password = running.enter_context(
            postgres(folder / "postgres", authority, ca)
        )
        superuser = postgres_url("postgres", password, port, ca)
        broker = running.enter_context(redis_server(folder / "redis", authority, ca))
        nodes = running.enter_context(swarm(folder))
        setup = secrets.token_urlsafe(16)
        make_database(superuser, setup)
        known = {
            "SECRET_KEY": secrets.token_hex(32),
            "REDIS_URL": broker,
            "GRADING_QUEUE": "service",
        }
        portal = machine(
            folder,
            "portal",
            known,
            DATABASE_URL=postgres_url("setup", setup, port, ca),
            MASTER_KEY=secrets.token_hex(32),
            IPFS_API=nodes["portal"].api,
        )
        portal.manage("setup")
        sent = portal.do("send()")
        portal.manage("service_keys", str(folder / "service-keys"))
        machines = {"portal": portal}
        for name in NAMES[1:]:
            machines[name] = machine(
                folder,
                name,
                known,
                DATABASE_URL=postgres_url("", "", port, ca),
                SERVICE_KEYS_FILE=str(folder / "service-keys"),
                IPFS_API=nodes[name].api,
                Q_CLUSTER_NAME="service",
                # No weights of its own: they come by CID, too.
                MODEL_DIR=str(folder / name / "none"),
            )
            give_web_password(folder, name)
        yield Site(machines, nodes, superuser, sent)


def machine(folder: Path, name: str, known: dict[str, str], **given: str) -> Machine:
    environment = stack_environment(folder / name, 0) | known | given
    return Machine(environment, folder / f"{name}.log")


def give_web_password(folder: Path, name: str) -> None:
    """A worker logs in as the web does, and knows no other login."""
    every = json.loads((folder / "portal/keys/database-passwords.json").read_text())
    keys = folder / name / "keys"
    keys.mkdir(parents=True)
    path = keys / "database-passwords.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"web": every["web"]}))


@contextmanager
def swarm(folder: Path) -> Iterator[dict[str, IpfsDaemon]]:
    """A node for each machine, in a private swarm."""
    packages, key, nodes = install(), new_swarm_key(), {}
    with ExitStack() as running:
        for name in NAMES:
            repo = folder / f"{name}-node"
            repo.mkdir()
            daemon = IpfsDaemon(packages, repo, swarm_key=key)
            nodes[name] = running.enter_context(daemon)
        for one, other in combinations(nodes.values(), 2):
            ask(one, "swarm/connect", arg=ask(other, "id")["Addresses"][0])
        yield nodes


def ask(node: IpfsDaemon, what: str, **arguments: str) -> Any:
    """One call of a node's RPC."""
    _, _, host, _, port, *_ = node.api.split("/")
    answer = requests.post(
        f"http://{host}:{port}/api/v0/{what}", params=arguments, timeout=30
    )
    answer.raise_for_status()
    return answer.json()


def test_a_worker_dies_and_every_image_is_graded_once(site: Site):
    portal, sent = site.machines["portal"], site.sent
    with (
        portal.process("work"),
        portal.process("run_sequencer", DATABASE_ROLE="sequencer"),
        site.machines["first"].process("work") as first,
        site.machines["second"].process("work"),
    ):
        at_death = eventually(
            lambda: site.runs_if(in_the_middle, sent["runs"]),
            seconds=ENDED_SECONDS,
            what="each worker is in the middle of a set",
        )
        encrypted = site.rows(
            "SELECT bool_and(ssl) AS whole, count(*) AS n FROM pg_stat_ssl"
            " JOIN pg_stat_activity USING (pid) WHERE usename LIKE 'anamnesis%%'"
        )
        kill(first)
        assert all(run["done"] < PICTURES for run in site.runs(sent["runs"]))

        ended = eventually(
            lambda: site.runs_if(is_ended, sent["runs"]),
            seconds=ENDED_SECONDS,
            what="the worker that is left ends both sets",
        )
        results = f"away({sent['jobs']!r}, {sent['runs']!r})"
        eventually(
            lambda: portal.do(results) == [],
            seconds=120,
            what="every result is pinned at the portal's node",
        )
        eventually(
            lambda: portal.manage("verify_ledger", "--signatures"),
            seconds=60,
            what="the ledger is whole",
        )
    assert [run["state"] for run in ended] == ["done", "done"], ended
    assert encrypted[0]["whole"]
    assert encrypted[0]["n"] >= 3
    claims = [{run["id"]: run["claim"] for run in rows} for rows in (at_death, ended)]
    assert sum(claims[0][run] != claim for run, claim in claims[1].items()) == 1

    # The workers' nodes may go, too.
    for name in NAMES[1:]:
        site.nodes[name].kill()
    told = portal.do(f"look({sent['jobs']!r}, {sent['runs']!r})")
    for run in told["runs"]:
        assert run["numbers"] == list(range(1, PICTURES + 1))
        assert run["contents"] == 1
        assert run["acts"]["DATA_SET_FETCHED"] == run["acts"]["DATA_SET_GRADED"] == 1
        assert "DATA_SET_FAILED" not in run["acts"]
    assert len(told["jobs"]) == JOBS
    for job in told["jobs"]:
        assert (job["state"], len(job["reports"])) == ("done", 1), job
        assert job["acts"]["GRADE_RECORDED"] == 1
        assert "GRADING_FAILED" not in job["acts"]
