"""Gives institutions or a patient new keys."""

import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ledger.management.progress import bar
from portal.errors import KeyUnavailable
from portal.keys import live_since
from portal.models import Institution
from records.management import holders
from records.management.holders import Holder, of_institution
from records.rewrapping import destroy_old_halves, old_halves, rewrap, waiting

RECENT = timedelta(days=1)
GRACE_S = 10.0
"""A page that has read a wrap needs the key it was made for a moment longer."""


class Command(BaseCommand):
    help = (
        "Make a new signing and sealing key, and wrap for it what was wrapped for the"
        " old one; documents stay as they are. The old keys are destroyed, but for"
        " their public halves. The command may be killed and run again: then it goes"
        " on with what is left. docs/keys.md says when, and what for."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        who = holders.add_arguments(parser)
        who.add_argument(
            "--all-institutions",
            action="store_true",
            help="every institution whose keys are older than a day",
        )
        parser.add_argument(
            "--keep-old",
            action="store_true",
            help="do not destroy the old sealing key; it opens wraps in old backups",
        )

        parser.add_argument(
            "--anew",
            action="store_true",
            help="make new keys even where the last rotation is not finished",
        )

    def handle(self, *args: Any, keep_old: bool, anew: bool, **options: Any) -> None:
        if options["all_institutions"]:
            chosen = self._institutions(keep_old=keep_old)
        else:
            chosen = [holders.named(options)]
        try:
            done = [
                self._rotate(
                    holder,
                    goes_on=not anew and _is_unfinished(holder, keep_old=keep_old),
                )
                for holder in chosen
            ]
        except KeyUnavailable as problem:
            raise CommandError(str(problem)) from problem
        if not keep_old:
            self._destroy(chosen)
        if left := sum(done):
            raise CommandError(
                f"{left} wraps are left, for which the old keys are kept. Run this again"
                " if they were in use; those that do not open, it cannot mend."
            )

    def _institutions(self, *, keep_old: bool) -> list[Holder]:
        """A run that was killed had given some of them new keys."""
        chosen = []
        for holder in map(of_institution, Institution.objects.all()):
            is_recent = live_since(holder.holder_id) > timezone.now() - RECENT
            if is_recent and not _is_unfinished(holder, keep_old=keep_old):
                self.stdout.write(f"{holder.called}: the keys are less than a day old.")
            else:
                chosen.append(holder)
        return chosen

    def _rotate(self, holder: Holder, *, goes_on: bool) -> int:
        """New keys, or the rest of the last time; returns how many wraps are left."""
        if goes_on:
            since = live_since(holder.holder_id)
            self.stdout.write(
                f"{holder.called}: going on with the keys of {since:%Y-%m-%d %H:%M}."
            )
        else:
            holder.renew()
            self.stdout.write(f"{holder.called}: new keys.")
        done = rewrap(holder.holder_id, progress=bar(self.stdout))
        self.stdout.write(f"{holder.called}: {done.done} wraps are made anew.")
        for document_id in done.closed:
            self.stdout.write(f"The wrap of document {document_id} does not open.")
        return done.left

    def _destroy(self, chosen: list[Holder]) -> None:
        if any(old_halves(holder.holder_id).exists() for holder in chosen):
            time.sleep(GRACE_S)
        for holder in chosen:
            if destroy_old_halves(holder.holder_id):
                self.stdout.write(f"{holder.called}: the old sealing key is destroyed.")


def _is_unfinished(holder: Holder, *, keep_old: bool) -> bool:
    """Whether wraps, or an old key that was not to be kept, are left from last time."""
    if waiting(holder.holder_id).exists():
        return True
    return not keep_old and old_halves(holder.holder_id).exists()
