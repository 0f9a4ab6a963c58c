"""The refusal of a file that is not a usable ultrasound image.

ImageRefused(ValueError)    one kind: every refusal is a sentence for the uploader
"""

from collections.abc import Iterator
from contextlib import contextmanager


class ImageRefused(ValueError):
    """A file cannot be used, said in one sentence for whoever chose it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@contextmanager
def refusing(sentence: str) -> Iterator[None]:
    """Turn any failure of a file parser inside the block into one refusal.

    Pillow and pydicom raise almost every built-in exception on hostile bytes,
    so the block holds calls to them alone, lest it hide a mistake of ours.

    Raises:
        ImageRefused: the block failed; the parser's exception is its cause.
    """
    try:
        yield
    except ImageRefused:
        raise
    except Exception as error:
        raise ImageRefused(sentence) from error
