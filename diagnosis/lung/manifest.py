"""What a folder of lung weights says of itself, in lung.json."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.manifest import Part
from diagnosis.lung.patient import RULE
from diagnosis.lung.scale import Finding
from diagnosis.lung.windows import TABLE_II, Window

MANIFEST = "lung.json"
CARD = "LUNG_CARD.md"
NETWORK = "IV3*"
HOW_TO_MAKE = (
    "None are shipped, and untrained ones never answer. Make some from labelled series"
    " with manage.py window_ct, train_network and adopt_lung; docs/organs.md says how."
)


@dataclass(frozen=True)
class LungManifest:
    """Everything beside the tensors that decides an answer.

    Attributes:
        version: of the weights.
        network: the capsule network.
        classes: what its outputs mean, in order.
        data_sha256: of the pictures that it learnt from.
        windows: a channel each; those of the pictures that it learnt from.
        rule: how slices make an answer for the patient.
        least_slices: of a series; with fewer, a person is asked.
        least_aerated: share of the series as dense as aired lung; with less, it
            hardly shows lungs.
        least_certainty: of the likelier finding; with less, a person is asked.
    """

    version: str
    network: Part
    classes: tuple[str, ...]
    data_sha256: str
    windows: tuple[Window, ...] = TABLE_II
    rule: str = RULE
    least_slices: int = 20
    least_aerated: float = 0.03
    least_certainty: float = 0.6

    def to_json(self) -> bytes:
        """The content of lung.json."""
        return (json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n").encode()


def read_manifest(folder: Path) -> tuple[LungManifest, str]:
    """Read lung.json.

    Returns:
        The manifest, with the SHA-256 of the file: as it names the network's digest,
        this one number stands for everything that decides an answer.

    Raises:
        WeightsRejected: it is missing, or not a manifest that this code knows.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        manifest = _parse(json.loads(content))
    except OSError as error:
        raise WeightsRejected(
            f"There are no weights for lung CT in {folder}: {MANIFEST} cannot be read"
            f" ({error.strerror}). {HOW_TO_MAKE}"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsRejected(f"{path} is not a manifest: {error}.") from error
    check(manifest, path)
    return manifest, hashlib.sha256(content).hexdigest()


def check(manifest: LungManifest, path: Path) -> None:
    """Refuse what this program could not follow.

    Raises:
        WeightsRejected: another network, other findings, another rule, no windows.
    """
    if manifest.network.network != NETWORK or Path(manifest.network.file).name != (
        manifest.network.file
    ):
        raise WeightsRejected(f"{path} needs one file of {NETWORK} in its folder.")
    if sorted(manifest.classes) != sorted(Finding) or manifest.rule != RULE:
        raise WeightsRejected(
            f"{path} names other findings, or another rule, than this program knows:"
            f" it needs {', '.join(Finding)} by the {RULE}."
        )
    if len(manifest.windows) != 3 or not all(w.low < w.high for w in manifest.windows):
        raise WeightsRejected(f"{path} needs three windows, each from low to high HU.")


def _parse(fields: dict[str, Any]) -> LungManifest:
    fields["network"] = Part(**fields["network"])
    fields["classes"] = tuple(fields["classes"])
    fields["windows"] = tuple(Window(**window) for window in fields["windows"])
    return LungManifest(**fields)
