"""The second wall: tells PostgreSQL in whose name each statement is asked.

The first wall is the access rule in Python; the policies under the tables repeat it, so
that a query which forgot it finds nothing. Who asks is set once, where a request, a task
or a command comes in, and goes along with every statement: nothing of it stays on a
connection that somebody else uses next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Party:
    """In whose name the database is asked."""

    person: int | None = None
    institution: int | None = None  # counts only if the person has a role there
    task: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not stand in a statement as it is."""
        numbers = (self.person, self.institution)
        if (
            not all(n is None or isinstance(n, int) for n in numbers)
            or "'" in self.task
        ):
            raise ValueError(f"{self} is no party.")

    @property
    def settings(self) -> str:
        """The statement that says it until the transaction ends."""
        return (
            f"SELECT set_config('anamnesis.person', '{self.person or ''}', true),"
            f" set_config('anamnesis.institution', '{self.institution or ''}', true),"
            f" set_config('anamnesis.task', '{self.task}', true);"
        )


NOBODY = Party()
"""Sees nothing of a patient or of an institution's people."""
UPKEEP = Party(task="upkeep")
"""The site itself: its nightly work, its commands, the few consequences of an act that
reach further than whoever acts may see."""

_party: ContextVar[Party] = ContextVar("party", default=NOBODY)


def grading(job_id: UUID) -> Party:
    """The diagnosis service at one job: its copy of the image, nothing else."""
    return Party(task=f"grading {job_id}")


def sending(device_id: UUID) -> Party:
    """A device: the children for whom it may send, and what it sent; nothing to open."""
    return Party(task=f"device {device_id}")


def examining(set_id: UUID) -> Party:
    """The hospital's own worker at one data set: that set, with the hospital's key."""
    return Party(task=f"examining {set_id}")


def running(run_id: UUID) -> Party:
    """The diagnosis service at one run: the pictures of its data set, nothing else."""
    return Party(task=f"running {run_id}")


def party() -> Party:
    """In whose name the database is asked now."""
    return _party.get()


@contextmanager
def in_the_name_of(who: Party) -> Iterator[None]:
    """Ask the database in somebody's name until the block ends, in this thread."""
    token = _party.set(who)
    try:
        yield
    finally:
        _party.reset(token)
