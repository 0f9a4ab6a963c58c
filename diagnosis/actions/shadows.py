"""Keeps what a version in shadow mode said, and opens it again."""

from collections.abc import Iterable
from uuid import uuid4

from diagnosis.grading.comparison import Pair
from diagnosis.models import ModelVersion, ShadowResult
from diagnosis.permissions import check_may_compare_models
from diagnosis.service import diagnosis_service
from portal.acting import Acting
from portal.keys import opening_key, sealing_key
from records.encryption.envelope import new_data_key, open_sealed, seal
from records.encryption.wrapping import unwrap_key, wrap_key
from records.errors import RecordDamaged

CHUNK = 1024
"""Bytes; two answers fit into one chunk."""


def keep_shadow(
    *, version: ModelVersion, beside: ModelVersion, pair: Pair | None
) -> ShadowResult:
    """Seal two answers to one image for the diagnosis service.

    Who may: the worker that graded the image.
    Records: nothing; it is about no patient that anybody could name.
    Effects: without a pair, that the version failed is counted.

    Raises:
        KeyUnavailable: the service has no live key.
    """
    result = ShadowResult(id=uuid4(), version=version, beside=beside)
    if pair:
        key, data_key = sealing_key(diagnosis_service().holder_id), new_data_key()
        record_id = result.pk.bytes
        result.sealed = b"".join(
            seal(
                [pair.to_json()],
                data_key=data_key,
                record_id=record_id,
                chunk_size=CHUNK,
            )
        )
        result.wrapped_key = wrap_key(
            data_key,
            public_key=key.public_key,
            record_id=record_id,
            recipient_key_id=key.key_id,
        )
        result.key_id = key.key_id
    result.save(force_insert=True)
    return result


def open_shadows(*, results: Iterable[ShadowResult], by: Acting) -> list[Pair]:
    """Read sealed answers, leaving out those of a version that failed.

    Who may: the diagnosis service's staff.
    Records: nothing; it is about no patient that anybody could name.

    Raises:
        Refused: ``by`` is not of the service's staff.
        RecordDamaged: a row was altered.
        KeyUnavailable: the service's key cannot be used now.
    """
    check_may_compare_models(by)
    return [_opened(result) for result in results if result.sealed]


def _opened(result: ShadowResult) -> Pair:
    key_id, record_id = bytes(result.key_id or b""), result.pk.bytes
    with RecordDamaged.instead_of_encryption_errors():
        data_key = unwrap_key(
            bytes(result.wrapped_key or b""),
            private_key=opening_key(key_id),
            record_id=record_id,
            recipient_key_id=key_id,
        )
        sealed = [bytes(result.sealed or b"")]
        content = b"".join(open_sealed(sealed, data_key=data_key, record_id=record_id))
    return Pair.from_json(content)
