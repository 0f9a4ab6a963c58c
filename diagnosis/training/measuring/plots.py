"""A report's figures as SVG."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnosis.grading.weights import write_whole

Report = dict[str, Any]
Draw = Callable[[Axes, Report], None]


def write_plots(report: Report, folder: Path) -> list[Path]:
    """Draw what the report holds; the same report gives the same files.

    Returns:
        The files: confusion.svg and, of a classifier, roc.svg, pr.svg,
        reliability.svg and selective.svg; of a segmenter, overlap.svg.
    """
    plots = _CLASSIFIER if "calibration" in report else _SEGMENTER
    paths = []
    for name, draw in plots.items():
        path = folder / f"{name}.svg"
        write_whole(path, _svg(draw, report))
        paths.append(path)
    return paths


def _svg(draw: Draw, report: Report) -> bytes:
    with mpl.rc_context({"svg.hashsalt": "anamnesis", "svg.fonttype": "none"}):
        figure = Figure(figsize=(5.5, 5), layout="constrained")
        draw(figure.add_subplot(), report)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _confusion(axes: Axes, report: Report) -> None:
    counts = np.array(report["confusion"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = report["classes"]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}\n{share:.1%}",
            ha="center",
            va="center",
            color="white" if share > 0.5 else "black",
        )
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="answer", ylabel="truth", title="Share of each true class")


def _roc(axes: Axes, report: Report) -> None:
    for name, curve in report["curves"].items():
        label = f"{name}: AUC {_with_interval(report, name, 'roc_auc')}"
        axes.plot(curve["fpr"], curve["tpr"], label=label)
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
    axes.set(
        xlabel="1 − specificity",
        ylabel="sensitivity",
        title="ROC, one against the rest",
    )
    axes.legend(loc="lower right")


def _pr(axes: Axes, report: Report) -> None:
    for name, curve in report["curves"].items():
        label = f"{name}: AP {_with_interval(report, name, 'average_precision')}"
        axes.step(curve["recall"], curve["precision"], where="pre", label=label)
    axes.set(
        xlabel="recall",
        ylabel="precision",
        title="Precision and recall, one against the rest",
        ylim=(0, 1.02),
    )
    if report["curves"]:
        axes.legend(loc="lower left")


def _reliability(axes: Axes, report: Report) -> None:
    found = report["calibration"]
    confidence = [each["confidence"] for each in found["bins"]]
    accuracy = [each["accuracy"] for each in found["bins"]]
    share = np.array([each["share"] for each in found["bins"]])
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="calibrated")
    axes.plot(confidence, accuracy, color="C0", linewidth=0.8)
    axes.scatter(
        confidence,
        accuracy,
        s=400 * share,
        color="C0",
        label="images, by their number",
    )
    axes.set(
        xlabel="highest probability",
        ylabel="accuracy",
        title=f"ECE {found['ece']:.3f}; with temperature {found['temperature']:.2f}:"
        f" {found['ece_after_temperature']:.3f}",
    )
    axes.legend(loc="upper left")


def _selection(axes: Axes, report: Report) -> None:
    found = report["selective"]
    for label, each in (
        ("every image alike", found),
        ("every exam alike", found["exam_weighted"]),
    ):
        axes.step(each["coverage"], each["accuracy"], where="post", label=label)
    axes.set(
        xlabel="share of images answered, the surest first",
        ylabel="accuracy of the answers",
        title="Leaving doubtful images to a person",
        xlim=(0, 1),
    )
    axes.legend(loc="lower left")


def _overlap(axes: Axes, report: Report) -> None:
    names = report["classes"]
    for shift, kind in ((-0.2, "dice"), (0.2, "iou")):
        found = [report["per_class"][name][kind] for name in names]
        heights = [each["value"] or 0 for each in found]
        reach = [
            [_reach(each["value"], each["low"]) for each in found],
            [_reach(each["high"], each["value"]) for each in found],
        ]
        places = np.arange(len(names)) + shift
        label = {"dice": "Dice", "iou": "IoU"}[kind]
        axes.bar(places, heights, 0.36, yerr=reach, capsize=4, label=label)
    axes.set_xticks(range(len(names)), names)
    axes.set(ylim=(0, 1.02), title="Overlap, pixels pooled, 95 % intervals")
    axes.legend()


def _reach(upper: float | None, lower: float | None) -> float:
    """How far a bar of error goes; nowhere where there is no interval."""
    return max(upper - lower, 0) if upper is not None and lower is not None else 0


def _with_interval(report: Report, of: str, kind: str) -> str:
    each = report["per_class"][of][kind]
    if each["low"] is None:
        return f"{each['value']:.3f}"
    return f"{each['value']:.3f} ({each['low']:.3f}–{each['high']:.3f})"


_CLASSIFIER: dict[str, Draw] = {
    "confusion": _confusion,
    "roc": _roc,
    "pr": _pr,
    "reliability": _reliability,
    "selective": _selection,
}
_SEGMENTER: dict[str, Draw] = {"confusion": _confusion, "overlap": _overlap}
