"""Says in words how the log is, for whoever looks after the site."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.errors import PolicyRejected
from ledger.models import (
    Checkpoint,
    Contact,
    Evidence,
    Inbox,
    Inspection,
    Refused,
    WitnessState,
)
from ledger.site import mirror_troubles, origin, policy
from ledger.unshown import unshown
from ledger.witnessed import Standing, standing

LATE = timedelta(seconds=30)
OLD = timedelta(hours=36)
WEEK = timedelta(days=7)
WORST_FIRST = ["wrong", "attention", "waiting", "fine"]

State = Literal["fine", "waiting", "attention", "wrong"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    sentence: str
    at: datetime | None = None
    notes: tuple[str, ...] = ()  # signed, for whoever has to show them


def checks() -> list[Check]:
    """Everything about the log that an admin may have to act on, the worst first."""
    stand = standing()
    return worst_first(
        [
            *_forks(),
            _queue(),
            *_refused(),
            _inspection(),
            _policy(stand),
            *_mirrors(),
            *_witnesses(stand),
            *_watched(),
            *_unshown(),
        ]
    )


def worst_first(found: Iterable[Check]) -> list[Check]:
    """In the order in which they have to be acted on."""
    return sorted(found, key=lambda check: WORST_FIRST.index(check.state))


def forks() -> list[str]:
    """The logs that have shown two histories; this site's own may be one."""
    return list(Evidence.objects.values_list("origin", flat=True).distinct())


def _forks() -> Iterator[Check]:
    for found in Evidence.objects.order_by("-found_at")[:20]:
        yield Check(
            found.origin,
            "wrong",
            _(
                "This ledger has signed two histories that cannot both be true:"
                " %(first)s and %(second)s entries, shown by %(told_by)s. Both signed"
                " notes are kept. Do not rely on it until its operator has explained."
            )
            % {
                "first": found.first_size,
                "second": found.second_size,
                "told_by": found.told_by,
            },
            found.found_at,
            (found.first_note, found.second_note),
        )


def _queue() -> Check:
    oldest = Inbox.objects.order_by("queued_at").first()
    latest = Checkpoint.objects.order_by("-size").first()
    size, at = (latest.size, latest.signed_at) if latest else (0, None)
    if oldest is None or oldest.queued_at > timezone.now() - LATE:
        sentence = ngettext(
            "%(size)s entry is signed; nothing waits longer than it should.",
            "%(size)s entries are signed; nothing waits longer than it should.",
            size,
        )
        return Check(_("Recording"), "fine", sentence % {"size": size}, at)
    return Check(
        _("Recording"),
        "attention",
        _(
            "Acts are accepted but not entered since %(since)s: the sequencer is down, or"
            " refuses. Its own messages say why."
        )
        % {"since": timezone.localtime(oldest.queued_at).strftime("%H:%M")},
        oldest.queued_at,
    )


def _refused() -> Iterator[Check]:
    lately = Refused.objects.filter(refused_at__gt=timezone.now() - WEEK)
    if count := lately.count():
        sentence = ngettext(
            "%(count)s statement could not be entered in the last week: a replay, or"
            " bytes that are no statement.",
            "%(count)s statements could not be entered in the last week: replays, or"
            " bytes that are no statements.",
            count,
        )
        yield Check(_("Set aside"), "attention", sentence % {"count": count})


def _inspection() -> Check:
    last = Inspection.objects.exclude(finished_at=None).first()
    name = _("Nightly inspection")
    if last is None:
        sentence = _("The whole ledger is looked at every night; the first is to come.")
        return Check(name, "waiting", sentence)
    if last.trouble:
        return Check(name, "wrong", last.trouble, last.finished_at)
    sentence = _(
        "%(size)s entries and %(bodies)s sealed contents were read, hashed again and"
        " found intact."
    ) % {"size": last.certified, "bodies": last.bodies}
    is_old = last.started_at < timezone.now() - OLD
    return Check(name, "attention" if is_old else "fine", sentence, last.finished_at)


def _policy(stand: Standing) -> Check:
    name = _("Quorum")
    try:
        policy()
    except PolicyRejected as error:
        return Check(name, "wrong", str(error))
    if not stand.of:
        sentence = _(
            "No witness is named, so this ledger is vouched for by this site alone."
        )
        return Check(name, "attention", sentence)
    sentence = _("%(needed)s of %(of)s witnesses must cosign.")
    wanted = {"needed": stand.policy.needed, "of": stand.of}
    return Check(name, "fine", sentence % wanted)


def _mirrors() -> Iterator[Check]:
    for line in mirror_troubles():
        sentence = _("A line of the list of mirrors is no key: %(line)s")
        yield Check(_("Mirrors"), "attention", sentence % {"line": line[:60]})


def _witnesses(stand: Standing) -> Iterator[Check]:
    contacts = {contact.witness: contact for contact in Contact.objects.all()}
    for witness in stand.policy.witnesses:
        name, size = witness.key.name, stand.followed.get(witness.key.identity, 0)
        contact = contacts.get(witness.key.label)
        if contact and contact.trouble:
            told = {"trouble": contact.trouble, "size": size}
            so_far = _("%(trouble)s It has cosigned the first %(size)s entries.")
            sentence = so_far % told if size else contact.trouble
            yield Check(name, "attention", sentence, contact.answered_at)
        elif size:
            yield _followed(name, size, contact.answered_at if contact else None)
        else:
            yield Check(name, "waiting", _("Has not cosigned anything yet."))


def _followed(name: str, size: int, at: datetime | None) -> Check:
    """Fine, unless a checkpoint has waited for longer than it should."""
    later = Checkpoint.objects.filter(size__gt=size).order_by("size").first()
    if later is None or later.signed_at > timezone.now() - LATE:
        sentence = _("Has cosigned the first %(size)s entries.")
        return Check(name, "fine", sentence % {"size": size}, at)
    sentence = _(
        "Has cosigned the first %(size)s entries only, and is not asked for more: is the"
        " sequencer running?"
    )
    return Check(name, "attention", sentence % {"size": size}, at)


def _watched() -> Iterator[Check]:
    for seen in WitnessState.objects.exclude(origin=origin()).order_by("origin"):
        sentence = _("Witnessed by this site up to %(size)s entries.")
        yield Check(seen.origin, "fine", sentence % {"size": seen.size}, seen.seen_at)


def _unshown() -> Iterator[Check]:
    for log, (since, why) in unshown().items():
        sentence = _(
            "Its growth could not be shown since %(since)s: %(why)s If that lasts, ask its"
            " operator."
        )
        at = timezone.localtime(since).strftime("%H:%M")
        yield Check(log, "attention", sentence % {"since": at, "why": why}, since)
