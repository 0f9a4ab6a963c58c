#!/usr/bin/env python
"""Runs the portal's management commands."""

import os
import sys


def main() -> None:
    """Hand the command line to Django, with a sentence instead of a traceback where we know one."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError

    from portal.environment import EnvironmentProblem
    from portal.row_security import UPKEEP, in_the_name_of

    try:
        # Whoever may run commands here holds the machine.
        with in_the_name_of(UPKEEP):
            execute_from_command_line(sys.argv)
    except EnvironmentProblem as problem:
        sys.exit(str(problem))
    except OperationalError as error:
        sys.exit(
            f"The database does not answer. Is the portal running? ({str(error).strip().splitlines()[0]})"
        )


if __name__ == "__main__":
    main()
