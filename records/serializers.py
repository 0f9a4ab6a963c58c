"""How patients and documents look to programs."""

from typing import Any

from rest_framework import serializers

from records.models import Document, Patient


class PatientSerializer(serializers.Serializer[Patient]):
    """Who somebody is, for those who may know."""

    id = serializers.UUIDField()
    full_name = serializers.CharField()
    birth_date = serializers.DateField()


class DocumentSerializer(serializers.Serializer[Document]):
    """What is known of a document without opening it."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    media_type = serializers.CharField()
    cid = serializers.CharField()
    institution = serializers.CharField(source="institution.name")
    created_at = serializers.DateTimeField()
    statement_id = serializers.SerializerMethodField()

    def get_statement_id(self, document: Document) -> str:
        """Under which the ledger knows it, hex."""
        return bytes(document.statement_id).hex()


def listed(serializer: type[serializers.Serializer[Any]], rows: Any) -> list[Any]:
    """Rows as plain values."""
    return list(serializer(rows, many=True).data)
