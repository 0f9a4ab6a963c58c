"""Turns data sets, runs and reports into what a page shows."""

import base64
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from diagnosis.models import DataSet, SetRun, SetState, State
from diagnosis.presentation import clock

PLOTS = {
    "confusion": "Confusion: the share of each true class",
    "roc": "ROC: each class against the rest",
    "pr": "Precision and recall: each class against the rest",
    "reliability": "Calibration: how sure against how right",
    "selective": "Accuracy when doubtful images are left to a person",
}
OVERALL = {
    "accuracy": "Accuracy of the images that got a grade",
    "macro_precision": "Mean precision",
    "macro_recall": "Mean recall",
    "macro_f1": "Mean F1",
    "roc_auc_macro": "Mean area under the ROC curve",
    "ece": "Expected calibration error",
}
PER_CLASS = ("precision", "recall", "f1")
STEPS = {
    SetState.WAITING: "queued",
    SetState.CHECKING: "running",
    SetState.READY: "done",
    SetState.REFUSED: "failed",
}


@dataclass(frozen=True)
class Figure:
    """A measured value with its interval, in words."""

    name: str
    value: str
    interval: str


def checking_sentence(data_set: DataSet) -> str:
    """How far the looking is, for the one who waits."""
    if data_set.state == SetState.WAITING:
        return _("Waits to be looked at.")
    return ngettext(
        "%(count)d file looked at so far.",
        "%(count)d files looked at so far.",
        data_set.looked_at,
    ) % {"count": data_set.looked_at}


def run_sentence(run: SetRun) -> str:
    """How far a run is, for the one who waits."""
    of = {"done": run.done, "all": run.data_set.usable}
    if run.state == State.QUEUED and not run.done:
        return _("Waits for the diagnosis service.")
    if run.state == State.SAVING:
        return _("The service seals its results for your hospital.")
    if run.state == State.PREPARING and not run.done:
        return _("The service fetches the set from the store.")
    return _("%(done)d of %(all)d pictures are graded.") % of


def remaining(run: SetRun) -> str:
    """How long a run will still take, by how it went so far; empty before that."""
    if not run.done or run.started_at is None or run.heard_at is None:
        return ""
    each = (run.heard_at - run.started_at) / run.done
    return clock(each * (run.data_set.usable - run.done))


def comparison_sentence(run: SetRun) -> str:
    """What the comparison with direct grading found; empty where none was made."""
    of = {"compared": run.compared, "differing": run.differing, "all": run.done}
    if run.compared_at is None:
        if not run.compared:
            return ""
        return _("%(compared)d of %(all)d pictures compared so far.") % of
    if run.differing:
        return (
            _(
                "Graded directly, %(differing)d of %(compared)d pictures got another answer"
                " than through the exchange: tell whoever runs the portal."
            )
            % of
        )
    return (
        _(
            "Graded directly and through the exchange, all %(compared)d pictures got the"
            " same answer: grade, every probability and mask."
        )
        % of
    )


def figures(report: dict[str, Any]) -> list[Figure]:
    """What holds for all images together."""
    every = {"accuracy_of_all": report["accuracy_of_all"], **report["figures"]}
    names = {"accuracy_of_all": "Accuracy; no grade counts as wrong", **OVERALL}
    return [Figure(_(words), *_said(every[name])) for name, words in names.items()]


def class_figures(report: dict[str, Any]) -> list[tuple[str, list[Figure]]]:
    """Table 4 of the paper: of each class precision, recall and F1."""
    return [
        (name, [Figure(kind, *_said(found[kind])) for kind in PER_CLASS])
        for name, found in report["per_class"].items()
    ]


def plots(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Each plot's title with its picture, to stand in the page itself."""
    return [
        (_(title), _svg_uri(report["plots"][name]))
        for name, title in PLOTS.items()
        if name in report["plots"]
    ]


def _said(interval: dict[str, float | None]) -> tuple[str, str]:
    value, low, high = (interval[name] for name in ("value", "low", "high"))
    if value is None:
        return "—", ""
    if low is None or high is None:
        return f"{value:.3f}", ""
    return f"{value:.3f}", f"{low:.3f}–{high:.3f}"


def _svg_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
