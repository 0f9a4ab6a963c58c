"""Micro-batches that make do with less where memory runs out."""

import gc
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

import torch

from diagnosis.grading.errors import MemoryExhausted

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Work = Callable[[list[Item]], list[Answer]]

# How torch's allocator of the CPU and ONNX Runtime put it; oneDNN does not say why it
# could not create a primitive, and with little memory this is what it says.
SIGNS = (
    "not enough memory",
    "allocate memory",
    "bad_alloc",
    "out of memory",
    "could not create a primitive",
)
logger = logging.getLogger(__name__)


def in_batches(
    items: Iterable[Item],
    work: Work[Item, Answer],
    *,
    batch: int,
    fallback: Callable[[], Work[Item, Answer]] | None = None,
) -> Iterator[Answer]:
    """Work on items a batch at a time, in order.

    Where memory runs out it is given back, then half of the items that were
    tried become the batch; where one is too much, the fallback takes over. All
    of this lasts until the items end.

    Args:
        items: taken as they are needed.
        work: as many answers as it is given items, in their order.
        batch: the most items at a time, at least 1.
        fallback: makes what works in another place, e.g. beside the accelerator.

    Raises:
        MemoryExhausted: one item is too much everywhere.
    """
    source = iter(items)
    waiting: list[Item] = []
    while True:
        waiting += islice(source, max(batch - len(waiting), 0))
        if not waiting:
            return
        tried = waiting[:batch]
        answers = _attempt(work, tried)
        if answers is not None:
            del waiting[:batch]
            yield from answers
        elif len(tried) > 1:
            batch = len(tried) // 2
        elif fallback is not None:
            work, fallback = fallback(), None
        else:
            raise MemoryExhausted(
                "The memory of this machine does not suffice to grade even one"
                " image. Ask again when less runs beside it."
            )


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(sign in str(error).lower() for sign in SIGNS)


def _attempt(work: Work[Item, Answer], items: list[Item]) -> list[Answer] | None:
    """The answers; None where memory ran out, after what was taken is free again."""
    try:
        return work(items)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        # As text: the error itself holds the tensors.
        logger.warning("Memory ran out with %d images: %s", len(items), str(error))
    # Outside the handler: the error's frames held the tensors until here.
    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
    return None
