"""Encrypts documents again whose data keys somebody may know."""

import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils import timezone

from ledger.management.progress import bar
from portal.errors import PortalError
from records.actions.resealing import remove_replaced_blocks, reseal_document
from records.content import content_store
from records.exposure import exposed
from records.management import holders
from records.management.holders import Holder
from records.models import Document
from records.rewrapping import has_had_other_keys
from records.storage.errors import StorageError, StoreUnavailable

GRACE_S = 10.0
"""So long, whoever has begun to read a content still finds it."""


class Command(BaseCommand):
    help = (
        "Encrypt documents again under new data keys, for the same readers, because a"
        " sealing key has become known. Give its holder new keys first (rotate_keys)."
        " With a holder: every document that the old key may have opened. The command"
        " may be killed and run again; every document can be read all the time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        who = holders.add_arguments(parser)
        who.add_argument("--document", metavar="ID", type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        chosen: QuerySet[Document]
        if options["document"]:
            chosen = Document.objects.kept().filter(pk=options["document"])
            if not chosen:
                raise CommandError("There is no document of this id.")
        else:
            chosen = _documents(holders.named(options))
        try:
            failed = self._reseal(chosen)
            # Also where nothing was left to seal: an earlier run may have been killed.
            self._clear_up()
        except StoreUnavailable as problem:
            raise CommandError(f"{problem} Run this again.") from problem
        if failed:
            raise CommandError(f"{failed} documents are left. Run this again.")

    def _reseal(self, chosen: QuerySet[Document]) -> int:
        """Returns how many could not be sealed anew."""
        ids = list(chosen.order_by("created_at").values_list("pk", flat=True))
        show, failed = bar(self.stdout), 0
        for done, document_id in enumerate(ids, start=1):
            try:
                reseal_document(document=Document.objects.get(pk=document_id))
            except StoreUnavailable:
                raise
            except (PortalError, StorageError) as problem:
                self.stdout.write(f"{document_id}: {problem}")
                failed += 1
            _remove_blocks(older_than=GRACE_S)
            show(done, len(ids))
        self.stdout.write(f"{len(ids) - failed} documents are sealed anew.")
        return failed

    def _clear_up(self) -> None:
        """Also after an earlier run, which was killed before it could."""
        if Document.objects.with_replaced_blocks().exists():
            time.sleep(GRACE_S)
            _remove_blocks(older_than=0)
        content_store().collect()
        self.stdout.write("What they were before is removed from the storage.")


def _documents(holder: Holder) -> QuerySet[Document]:
    if not has_had_other_keys(holder.holder_id):
        raise CommandError(
            f"{holder.called} has no new keys yet. Run rotate_keys first: else the key"
            " that became known would open the new documents, too."
        )
    return exposed(holder.of)


def _remove_blocks(*, older_than: float) -> None:
    until = timezone.now() - timedelta(seconds=older_than)
    replaced = Document.objects.with_replaced_blocks().filter(resealed_at__lte=until)
    for document in replaced:
        remove_replaced_blocks(document=document)
