"""How long a doctor waits, from asking for a grade to reading it."""

import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import requests

from benchmarks.result import Result
from tests.journeys.stack import Stack, free_port, start_stack

ROUNDS = 10
PASSWORD = "anamnesis-demo"  # noqa: S105 - the demo world's


class Doctor:
    """A browser without a screen, signed in as the demo's doctor."""

    def __init__(self, stack: Stack) -> None:
        self.url, self.sample = stack.url, stack.var / "demo" / "kidney-sfu-4.png"
        self.http = requests.Session()
        self.http.get(f"{self.url}/accounts/login/", timeout=10)
        login = {"login": "doctor@northfield.example", "password": PASSWORD}
        self.post("/accounts/login/", login)
        rows = self.http.get(f"{self.url}/api/patients/", timeout=10).json()
        self.patient = rows[0]["id"]

    def post(
        self, path: str, data: dict[str, str], **more: object
    ) -> requests.Response:
        """Post a form as its page would, with the page's token."""
        token = self.http.cookies.get("csrftoken", "")
        answer = self.http.post(
            self.url + path,
            data={**data, "csrfmiddlewaretoken": token},
            headers={"Referer": self.url},
            timeout=60,
            **more,  # type: ignore[arg-type]
        )
        answer.raise_for_status()
        return answer

    def upload(self) -> str:
        """Add the sample; the new document's id."""
        with self.sample.open("rb") as file:
            answer = self.post(
                f"/patients/{self.patient}/upload/", {}, files={"file": file}
            )
        return _id(answer.url)

    def grade(self, document: str) -> float:
        """Seconds from the request until the page with the grade is there."""
        started = time.perf_counter()
        job = _id(self.post(f"/documents/{document}/ask/", {"frame": "1"}).url)
        while (state := self._state(job)) != "done":
            if state in {"failed", "cancelled"}:
                raise SystemExit(f"The benchmark's job is {state}.")
            time.sleep(0.02)
        self.http.get(f"{self.url}/grades/{job}/", timeout=10).raise_for_status()
        return time.perf_counter() - started

    def _state(self, job: str) -> str:
        row = self.http.get(f"{self.url}/api/grades/{job}/", timeout=10).json()
        return str(row["state"])


def measure() -> list[Result]:
    """Grade the same 1024 × 768 image ten times on a portal of its own."""
    folder = Path(tempfile.mkdtemp(prefix="anamnesis-bench-"))
    stack = start_stack(folder / "var", free_port())
    try:
        doctor = Doctor(stack)
        doctor.grade(doctor.upload())  # the first one may still load the networks
        seconds = [doctor.grade(doctor.upload()) for _ in range(ROUNDS)]
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
    note = f"median of {ROUNDS}, 1024 × 768 PNG, quarter-width networks"
    return [
        Result("request to result", statistics.median(seconds), "s", 3.0, note),
        Result("request to result, slowest", max(seconds), "s", 3.0, note),
    ]


def _id(url: str) -> str:
    found = re.search(r"/([0-9a-f-]{36})/", url)
    if found is None:
        raise SystemExit(f"The portal did not lead where it should: {url}")
    return found[1]
