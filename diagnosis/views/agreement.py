"""The page on which staff see how often doctors agree with the networks."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from diagnosis.agreement import Tally, last_words
from diagnosis.charts import Panel
from diagnosis.models import Verdict
from diagnosis.permissions import (
    countable_verdicts,
    counts_every_hospital,
    may_count_agreement,
)
from portal.acting import SignedInRequest
from portal.roles import MANAGE_MEMBERS
from portal.row_security import UPKEEP, in_the_name_of

MONTHS = 12
CHART = Panel(left=40, right=632, top=12, bottom=172, low=0, high=100)


@login_required
@require_GET
def agreement(request: SignedInRequest) -> HttpResponse:
    acting = request.acting
    if not may_count_agreement(acting):
        raise Http404
    everywhere = counts_every_hospital(acting)
    verdicts = countable_verdicts(acting).select_related("by")
    if everywhere:
        with in_the_name_of(UPKEEP):  # counted only: whose they are stays unsaid
            words = last_words(verdicts)
    else:
        words = last_words(verdicts)
    leads = acting.may(MANAGE_MEMBERS) and not everywhere
    months = _by_month(words)
    context = {
        "everywhere": everywhere,
        "leads": leads,
        "institution": acting.institution,
        "total": Tally.of(_("All"), (word.decision for word in words)),
        "versions": _grouped(words, lambda word: word.model_version),
        "doctors": _grouped(words, lambda word: word.by.full_name) if leads else [],
        "months": months,
        "marks": _marks(months),
        "chart": CHART,
        "scale": [(percent, CHART.y(percent)) for percent in (0, 50, 100)],
    }
    return render(request, "diagnosis/agreement.html", context)


def _grouped(words: Iterable[Verdict], name: Callable[[Verdict], str]) -> list[Tally]:
    groups: dict[str, list[str]] = defaultdict(list)
    for word in words:
        groups[name(word)].append(word.decision)
    return [Tally.of(key, said) for key, said in sorted(groups.items())]


def _by_month(words: Iterable[Verdict]) -> list[Tally]:
    """The last twelve months in which somebody judged, the oldest first."""
    groups: dict[datetime, list[str]] = defaultdict(list)
    for word in words:
        month = localtime(word.at).replace(day=1, hour=0, minute=0, second=0)
        groups[month.replace(microsecond=0)].append(word.decision)
    return [
        Tally.of(date_format(month, "M Y"), said)
        for month, said in sorted(groups.items())[-MONTHS:]
    ]


def _marks(months: list[Tally]) -> list[dict[str, object]]:
    """Where each month's share lies in the chart, with the ends of its interval."""
    step = (CHART.right - CHART.left) / max(len(months), 1)
    marks: list[dict[str, object]] = []
    for number, month in enumerate(months):
        if month.percent is None or month.between is None:
            continue
        low, high = month.between
        marks.append(
            {
                "x": round(CHART.left + (number + 0.5) * step, 1),
                "y": CHART.y(month.percent),
                "low": CHART.y(low),
                "high": CHART.y(high),
                "month": month,
            }
        )
    return marks
