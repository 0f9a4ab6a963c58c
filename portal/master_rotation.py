"""Seals anew what does not lie under the master key of today."""

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import BinaryField, Model, Q, QuerySet
from django.db.models.functions import Substr

from portal.keys import sealed_anew
from portal.models import PrivateKey
from portal.sealed_fields import SealedTextField, blind_index, current_mark

BATCH = 100
"""Rows in a transaction: what is lost where the process is killed."""


def sealed_models() -> list[type[Model]]:
    """Every model of which something lies under the master key."""
    return [model for model in apps.get_models() if _columns(model)]


def waiting(model: type[Model]) -> QuerySet[Any]:
    """The rows that hold something sealed otherwise than under today's master key."""
    mark, columns = current_mark(), _columns(model)
    starts = {
        f"{column}_start": Substr(column, 1, len(mark), output_field=BinaryField())
        for column in columns
    }
    otherwise = (
        Q(**{f"{column}__isnull": False}) & ~Q(**{f"{column}_start": mark})
        for column in columns
    )
    rows: QuerySet[Any] = _rows(model).alias(**starts)
    return rows.filter(reduce(or_, otherwise))


def count_waiting() -> int:
    """How many rows wait for `reseal`."""
    return sum(waiting(model).count() for model in sealed_models())


def check_opens() -> None:
    """Open what lies under another master key than today's, a row of each table.

    Raises:
        KeyUnavailable: the key it was sealed with is not known here.
    """
    for model in sealed_models():
        # A value that names its key comes after one that does not: it says more.
        first, *_ = (f"-{column}" for column in _columns(model))
        if row := waiting(model).order_by(first).first():
            _anew(row)


def reseal(progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Seal all of it under today's master key, with the blind indexes.

    Row by row, in small transactions; safe to be killed and called again, beside
    processes that read and write. A row that somebody holds is passed over.

    Args:
        progress: told after each transaction.

    Returns:
        how many rows are left.

    Raises:
        KeyUnavailable: a row was sealed with a master key that is not known here; what
            was done before it stays done.
    """
    done, total = 0, count_waiting()
    for model in sealed_models():
        last = None
        while batch := _reseal_batch(model, last):
            last, done = batch[-1], done + len(batch)
            progress(done, total)
    return count_waiting()


@transaction.atomic
def _reseal_batch(model: type[Model], last: object) -> list[object]:
    """Seal the next rows after one anew, locked so that no other change is lost."""
    rows = waiting(model).order_by("pk").select_for_update(skip_locked=True)
    if last is not None:
        rows = rows.filter(pk__gt=last)
    batch = list(rows[:BATCH])
    for row in batch:
        _rows(model).filter(pk=row.pk).update(**_anew(row))
    return [row.pk for row in batch]


def _anew(row: Model) -> dict[str, Any]:
    """What is to be written; a field seals what it is given as text."""
    if isinstance(row, PrivateKey):
        return {"sealed": sealed_anew(row)}
    values: dict[str, Any] = {}
    for field in _fields(type(row)):
        text = getattr(row, field.attname)
        if text is None:
            continue
        values[field.attname] = text
        if index := field.index:
            values[index.column] = blind_index(text, purpose=index.purpose)
    return values


def _rows(model: type[Model]) -> QuerySet[Any]:
    return model._base_manager.all()  # noqa: SLF001 - Django's API


def _columns(model: type[Model]) -> list[str]:
    if model is PrivateKey:
        return ["sealed"]
    return [field.attname for field in _fields(model)]


def _fields(model: type[Model]) -> list[SealedTextField]:
    fields = model._meta.local_concrete_fields  # noqa: SLF001 - Django's API
    return [field for field in fields if isinstance(field, SealedTextField)]
