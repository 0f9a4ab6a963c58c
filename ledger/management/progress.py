"""Shows whoever runs a command how far it is."""

from collections.abc import Callable

from django.core.management.base import OutputWrapper

BAR = 40  # characters

Progress = Callable[[int, int], None]
"""Told what is done, of how much."""


def bar(stream: OutputWrapper) -> Progress:
    """A progress bar, on a terminal alone."""

    def show(done: int, total: int) -> None:
        filled = BAR * min(done, total) // total if total else BAR
        end = "\n" if done >= total else ""
        line = f"\r[{'#' * filled}{'.' * (BAR - filled)}] {done} of {total}{end}"
        stream.write(line, ending="")
        stream.flush()

    return show if stream.isatty() else lambda done, total: None
