"""CT series made from pydicom's own CT slice, and weights that nobody trained."""

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from diagnosis.grading.manifest import Part
from diagnosis.grading.weights import save_network
from diagnosis.lung.manifest import MANIFEST, LungManifest
from diagnosis.lung.scale import Finding
from diagnosis.networks.catalogue import CATALOGUE, Width

FILE = "iv3.safetensors"


def slices(count=3, *, series=None, dense=0, **elements):
    """Data sets that lie 5 mm apart, each brighter than the one before."""
    series = series or generate_uid()
    made = []
    example = Path(str(get_testdata_file("CT_small.dcm", download=False)))
    for number in range(count):
        found = dcmread(example)
        pixels = found.pixel_array + np.int16(dense + 40 * number)
        found.PixelData = pixels.astype(np.int16).tobytes()
        found.SeriesInstanceUID = series
        found.SOPInstanceUID = found.file_meta.MediaStorageSOPInstanceUID = (
            generate_uid()
        )
        found.InstanceNumber = number + 1
        found.ImagePositionPatient = [-158.1, -179.0, -75.7 + 5 * number]
        for keyword, value in elements.items():
            setattr(found, keyword, value)
        made.append(found)
    return made


def saved(found):
    """The bytes of a data set as a DICOM file."""
    stream = BytesIO()
    found.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def write(folder: Path, found, names=None):
    """Each data set as a file of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(found):
        name = names[number] if names else f"{number:03}.dcm"
        (folder / name).write_bytes(saved(each))
    return folder


def zipped(folder: Path, path: Path):
    """The folder's files in an archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"scan/{file.name}")
    return path


def write_weights(folder: Path, **changes):
    """An untrained quarter-width network with a manifest: it proves rails, no skill."""
    torch.manual_seed(7)
    network = CATALOGUE["IV3*"].build(Width.QUARTER)
    sha256 = save_network(network, folder / FILE, dtype=torch.float32)
    manifest = LungManifest(
        version="untrained",
        network=Part(FILE, "IV3*", int(Width.QUARTER), 299, sha256),
        classes=tuple(Finding),
        data_sha256="0" * 64,
        **{"least_slices": 3, "least_certainty": 0.5} | changes,
    )
    (folder / MANIFEST).write_bytes(manifest.to_json())
    return folder
