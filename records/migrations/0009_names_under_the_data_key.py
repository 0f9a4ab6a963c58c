"""Moves each name from the wraps, where RSA sealed it, to its document.

Two RSA operations a document, about 500 documents a second and core. The master key
must be there; with another one nothing changes.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from django.db import migrations, models
from django.db.migrations.state import StateApps

from portal.sealed_fields import unseal
from records.encryption.errors import EncryptionError, NameRejected
from records.encryption.names import seal_name
from records.encryption.wrapping import (
    check_commitment,
    oaep,
    recipient_label,
    unwrap_key,
)


def move_names(apps: StateApps, _schema_editor: object) -> None:
    """Open each name with a key of one of its holders and seal it anew."""
    documents = apps.get_model("records", "Document").objects
    private_keys = apps.get_model("portal", "PrivateKey").objects

    @lru_cache(maxsize=256)
    def opened(key_id: bytes) -> Any:
        row = private_keys.filter(key_id=key_id).first()
        label = f"private key {key_id.hex()}"
        return row and load_der_private_key(
            unseal(bytes(row.sealed), purpose=label), None
        )

    # By patient, so that each private key is opened once.
    by_patient = documents.order_by("patient").prefetch_related("wraps")
    for document in by_patient.iterator(chunk_size=500):
        document.sealed_name = _sealed_anew(document, opened)
        document.save(update_fields=["sealed_name"])


def _sealed_anew(document: Any, opened: Callable[[bytes], Any]) -> str:
    """The name by the first wrap that opens; none if there is no such wrap.

    What was damaged stays damaged: an empty name is refused as an altered one is.
    """
    record_id = document.pk.bytes
    for wrap in document.wraps.all():
        private_key = opened(bytes(wrap.key_id))
        if private_key is None:
            continue
        try:
            data_key = unwrap_key(
                bytes(wrap.wrapped_key),
                private_key=private_key,
                record_id=record_id,
                recipient_key_id=bytes(wrap.key_id),
            )
            check_commitment(data_key, record_id, bytes(document.key_commitment))
            name = _opened_by_rsa(wrap, private_key, record_id)
            return seal_name(name, data_key=data_key, record_id=record_id)
        except EncryptionError:
            continue
    return ""


def _opened_by_rsa(wrap: Any, private_key: RSAPrivateKey, record_id: bytes) -> str:
    """Version 1 of a sealed name: hex of RSA-3072-OAEP over length ‖ UTF-8 ‖ zeros."""
    label = b"AML1-name" + recipient_label(record_id, bytes(wrap.key_id))
    try:
        plain = private_key.decrypt(bytes.fromhex(wrap.sealed_name), oaep(label))
        return plain[1 : 1 + plain[0]].decode()
    except (ValueError, IndexError) as error:
        raise NameRejected("The sealed name does not open.") from error


class Migration(migrations.Migration):
    dependencies = [("records", "0008_mending")]

    operations = [
        migrations.AddField(
            "document",
            "sealed_name",
            models.TextField(default="", help_text="hex; sealed under the data key"),
            preserve_default=False,
        ),
        migrations.RunPython(move_names),
        migrations.RemoveField("keywrap", "sealed_name"),
    ]
