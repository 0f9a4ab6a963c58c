"""Packs the proofs of a patient's history for whoever takes them along."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ledger import tiles
from ledger.bundle import BundledEntry, Opening, make_bundle
from ledger.encoding import decode_entry
from ledger.errors import NotProvable
from ledger.models import Checkpoint, Entry
from ledger.policy import Party, Policy
from ledger.served_log import cosigned, site_tiles
from ledger.site import author_keys, log_key, origin
from ledger.witnessed import standing, witnessed_checkpoint
from portal.acting import Acting
from records.history import visible_acts
from records.models import Act, Patient


def pack_proofs(acting: Acting, patient: Patient) -> bytes:
    """Everything about the patient that the person may see, with its proofs, as a zip.

    Under the latest checkpoint that enough witnesses have cosigned; under the latest
    signed one where none is. Acts of the last seconds, which it does not cover, are
    left out.

    Raises:
        NotProvable: nothing about the patient is signed yet.
        LedgerDamaged: the log no longer holds what its checkpoint promises.
    """
    acts = {
        bytes(act.statement_id): act
        for act in visible_acts(acting, patient)
        .exclude(salt=b"")  # erased: there is nothing to open the commitments with
        .select_related("institution", "actor", "device", "document", "patient")
    }
    stand = standing()
    checkpoint = witnessed_checkpoint(stand) or _latest()
    covered = Entry.objects.filter(
        statement_id__in=list(acts), seq__lt=checkpoint.size if checkpoint else 0
    ).order_by("seq")
    entries = list(covered)
    if checkpoint is None or not entries:
        raise NotProvable(_("Nothing about this patient is signed yet."))
    return make_bundle(
        entries=[
            _bundled(entry, acts[bytes(entry.statement_id)], checkpoint.size)
            for entry in entries
        ],
        checkpoint=cosigned(checkpoint),
        policy=_with_this_log(stand.policy),
        authors=author_keys(_authors(entries)),
        title=_("The history of %(name)s") % {"name": patient.full_name},
        made_at=timezone.now(),
    )


def _with_this_log(known: Policy) -> Policy:
    """Whom the reader is asked to trust: this log, and this site's witnesses."""
    own = Party(origin(), log_key())
    return Policy((own,), known.witnesses, known.groups, known.quorum)


def _latest() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-size").first()


def _bundled(entry: Entry, act: Act, size: int) -> BundledEntry:
    return BundledEntry(
        seq=entry.seq,
        entry=bytes(entry.bytes),
        path=tiles.inclusion_path(entry.seq, size, site_tiles().read),
        opening=Opening(bytes(act.salt), act.patient_id.bytes, act.metadata),
        told={
            "what": act.sentence,
            "who": act.done_by,
            "where": act.institution.name,
            "when": _when(act.at),
            "about": act.document.get_kind_display() if act.document else "",
        },
    )


def _when(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j F Y, H:i:s T")


def _authors(entries: Iterable[Entry]) -> set[bytes]:
    return {
        decode_entry(bytes(entry.bytes)).statement.author_key_id for entry in entries
    }
