"""A worker process that kills itself before a given statement; a program of its own.

`python -m tests.diagnosis.dying_worker DATABASE` loads the networks once, then takes
lines "JOB BEFORE" from its input. For each it forks a worker, as django-q does, which
grades the job and sends itself SIGKILL before its statement number BEFORE (0: it
lives). It answers with JSON, [SIGNAL, STATEMENTS]: what ended that worker, and the first
words of what it had sent or was about to send.
"""

import json
import os
import signal
import sys
from typing import Any
from uuid import UUID

import django
from django.conf import settings


def main() -> None:
    """Serve lines until the input ends."""
    settings.DATABASES["default"]["NAME"] = sys.argv[1]
    django.setup()
    from django.db import connection

    from diagnosis import graders

    graders.warm_up()
    connection.close()  # no two processes may share one
    for line in sys.stdin:
        job, before = line.split()
        reading, writing = os.pipe()
        if (worker := os.fork()) == 0:
            os.close(reading)
            _work(UUID(job), int(before), writing)
        os.close(writing)
        with os.fdopen(reading) as said:
            statements = said.read().splitlines()
        _, status = os.waitpid(worker, 0)
        sys.stdout.write(json.dumps([os.WTERMSIG(status), statements]) + "\n")
        sys.stdout.flush()


def _work(job_id: UUID, before: int, told: int) -> None:
    """Run the job in this process, which does not return."""
    # Imported here: they need Django.
    import torch
    from django.db import connection

    from diagnosis.worker import run

    torch.set_num_threads(1)  # threads of a pool do not survive a fork
    sent = 0

    def counting(execute: Any, sql: Any, *rest: Any) -> Any:
        nonlocal sent
        sent += 1
        os.write(told, " ".join(str(sql).split()[:3]).encode() + b"\n")
        if sent == before:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, *rest)

    # Outermost: also what the second wall would put before a statement is not sent.
    connection.execute_wrappers.insert(0, counting)
    run(job_id)
    os._exit(0)


if __name__ == "__main__":
    main()
