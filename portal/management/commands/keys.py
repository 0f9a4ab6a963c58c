"""Shows the state of the keys, without showing a key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.environment import EnvironmentProblem
from portal.key_state import KeyState, key_states, master_key_source, patients_keys
from portal.master_keys import master_keys
from portal.master_rotation import count_waiting


class Command(BaseCommand):
    help = (
        "Show which keys there are, since when, and whether the master key opens them."
        " Ends with 1 where one does not open."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            master_keys()
        except EnvironmentProblem as problem:
            raise CommandError(str(problem)) from problem
        states, (live, retired) = list(key_states()), patients_keys()
        left = count_waiting()
        if options["json"]:
            found = {
                "master_key": master_key_source(),
                "under_another_master_key": left,
                "keys": [vars(state) for state in states],
                "patients": {"live": live, "retired": retired},
            }
            self.stdout.write(json.dumps(found, default=str))
        else:
            self.stdout.write(f"Master key: {master_key_source()}")
            self.stdout.write(_rest(left))
            for state in states:
                self.stdout.write(_line(state))
            self.stdout.write(f"Patients' keys: {live} live, {retired} retired.")
        closed = [state for state in states if state.trouble]
        if closed:
            self.stdout.flush()
            raise CommandError(
                f"{len(closed)} of {len(states)} keys do not open: the master key is not"
                " the one they were sealed with, or they were changed."
            )


def _rest(left: int) -> str:
    if left:
        return f"{left} rows do not lie under it yet: run rotate_master_key."
    return "Everything sealed lies under it."


def _line(state: KeyState) -> str:
    line = f"{state.holder}: {state.purpose} {state.key_id[:16]} since {state.since:%Y-%m-%d}"
    if state.until:
        line += f", retired {state.until:%Y-%m-%d}"
    if state.is_destroyed:
        line += ", private half destroyed"
    return f"{line}; DOES NOT OPEN" if state.trouble else line
