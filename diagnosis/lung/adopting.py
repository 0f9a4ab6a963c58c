"""A trained network becomes the weights of the lung's grader."""

from pathlib import Path

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.weights import write_whole
from diagnosis.lung.card import write_card
from diagnosis.lung.manifest import CARD, MANIFEST, LungManifest, check
from diagnosis.lung.pictures import read_windows
from diagnosis.training.data_set.reading import Source, check_files, read_data_set
from diagnosis.training.fitting.trained import Trained, load_trained

TRAINING_CARD = "MODEL_CARD.md"


def adopt(folder: Path, pictures: Path, *, version: str) -> LungManifest:
    """Write lung.json and its card beside what train_network made.

    The pictures are hashed again: only a network that has learnt from these very ones
    is adopted, so that it will be shown slices in the windows that it knows.

    Args:
        folder: of the trained network.
        pictures: made by ``write_pictures``.
        version: a name for the weights.

    Raises:
        WeightsRejected: another network, other findings, or other pictures.
        SeriesRefused: the pictures do not say in which windows they are.
        DataSetRefused: the pictures are no data set any more.
    """
    trained, _ = load_trained(folder)
    manifest = LungManifest(
        version=version,
        network=trained.part,
        classes=trained.classes,
        data_sha256=trained.data_sha256,
        windows=read_windows(pictures),
    )
    check(manifest, folder / MANIFEST)
    if _sha256(pictures, trained) != trained.data_sha256:
        raise WeightsRejected(
            f"The network in {folder} did not learn from the pictures in {pictures}."
        )
    card = write_card(manifest, (folder / TRAINING_CARD).read_text(encoding="utf-8"))
    write_whole(folder / CARD, card.encode())
    write_whole(folder / MANIFEST, manifest.to_json())
    return manifest


def _sha256(pictures: Path, trained: Trained) -> str:
    source = Source(
        pictures,
        classes=trained.classes,
        fold=trained.recipe["fold"],
        seed=trained.recipe["seed"],
    )
    data = read_data_set(source, segmentation=False)
    return check_files(data, segmentation=False)
