"""Archives made for the tests."""

import io
import zipfile
from collections.abc import Mapping

from diagnosis.intake.archive import opened
from diagnosis.intake.examining import Examined, examine
from diagnosis.intake.outcomes import Outcome
from tests.cast import picture


def zipped(
    files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def labelled_set(each: int = 2) -> dict[str, bytes]:
    """Pictures in a folder of each grade."""
    return {
        f"set/{folder}/{number}.png": picture(100 * place + number)
        for place, folder in enumerate(["SFU 0-2", "SFU_3", "sfu4"])
        for number in range(each)
    }


def looked_at(data: bytes, *, labelled: bool = False) -> list[Examined]:
    with opened(io.BytesIO(data)) as archive:
        return list(examine(archive, labelled=labelled))


def outcomes(files: Mapping[str, bytes], *, labelled: bool = False) -> list[Outcome]:
    return [each.outcome for each in looked_at(zipped(files), labelled=labelled)]


def only(files: Mapping[str, bytes], *, labelled: bool = False) -> Outcome:
    (outcome,) = outcomes(files, labelled=labelled)
    return outcome
