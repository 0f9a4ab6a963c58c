"""What a family lets a hospital read, and what for."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _


class Extent(TextChoices):
    """How much of a history."""

    EVERYTHING = "everything", _("The whole history")
    KIND = "kind", _("One kind of document")
    DOCUMENTS = "documents", _("Single documents")


class Purpose(TextChoices):
    """What for, in the codes of HL7's PurposeOfUse."""

    TREATMENT = "TREAT", _("Treatment")
    CARE_MANAGEMENT = "CAREMGT", _("Follow-up between hospitals")
    RESEARCH = "HRESCH", _("Research")
    OWN_REQUEST = "PATRQT", _("Because we ask for it")


@dataclass(frozen=True)
class Scope:
    """Which documents a consent opens; what the hospital made itself it sees anyway."""

    extent: Extent = Extent.EVERYTHING
    kind: str = ""  # records.models.Document.Kind; of a scope of one kind alone
    documents: frozenset[UUID] = frozenset()  # of a scope of single documents alone

    def __post_init__(self) -> None:
        """Refuse a scope that says two things, or nothing."""
        said = (bool(self.kind), bool(self.documents))
        if said != (self.extent == Extent.KIND, self.extent == Extent.DOCUMENTS):
            raise ValueError(f"A scope of {self.extent} cannot be {self}.")

    @property
    def condition(self) -> Q:
        """The documents in it, as a condition on documents."""
        if self.extent == Extent.KIND:
            return Q(kind=self.kind)
        if self.extent == Extent.DOCUMENTS:
            return Q(pk__in=self.documents)
        return ~Q(pk__in=[])  # all: an empty Q would vanish beside an "or"

    def takes_in(self, kind: str) -> bool:
        """Whether a document of this kind is in it that is added from now on."""
        if self.extent == Extent.KIND:
            return kind == self.kind
        return self.extent == Extent.EVERYTHING


EVERYTHING = Scope()
