"""What can be wrong with something sealed.

EncryptionError
├── EnvelopeRejected
│   ├── NotAnEnvelope          the first bytes are those of something else
│   ├── UnknownVersion         sealed by a version that this one cannot read
│   ├── UnknownAlgorithm       the version is known, the algorithm is not
│   ├── HeaderRejected         a header field lies outside its range
│   ├── ForeignRecord          sealed for another record
│   ├── ChunkDamaged           bytes were changed, or the key is another document's
│   ├── ChunkMisplaced         an authentic chunk stands where another belongs
│   ├── EnvelopeTruncated      the end is missing
│   ├── TrailingData           bytes follow the end
│   └── PaddingRejected        authentic chunks whose padding breaks the format
├── WrapRejected               a key wrap does not open, or is not of the form
├── CommitmentMismatch         the data key is not the one the ledger entry names
└── NameRejected               a name cannot be sealed, or a sealed one not opened
"""


class EncryptionError(Exception):
    """Something sealed was refused; the message is a sentence for a person."""


class EnvelopeRejected(EncryptionError):
    """The envelope is not exactly what was sealed."""


class NotAnEnvelope(EnvelopeRejected):
    """The first bytes are those of something else."""


class UnknownVersion(EnvelopeRejected):
    """Sealed by a version that this one cannot read."""


class UnknownAlgorithm(EnvelopeRejected):
    """The version is known, the algorithm is not."""


class HeaderRejected(EnvelopeRejected):
    """A header field lies outside its range."""


class ForeignRecord(EnvelopeRejected):
    """Sealed for another record."""


class ChunkDamaged(EnvelopeRejected):
    """Bytes were changed, or the key is another document's."""


class ChunkMisplaced(EnvelopeRejected):
    """An authentic chunk stands where another belongs."""


class EnvelopeTruncated(EnvelopeRejected):
    """The end of the envelope is missing."""


class TrailingData(EnvelopeRejected):
    """Bytes follow the end of the envelope."""


class PaddingRejected(EnvelopeRejected):
    """Authentic chunks whose padding breaks the format."""


class WrapRejected(EncryptionError):
    """A key wrap does not open, or is not of the form."""


class CommitmentMismatch(EncryptionError):
    """The data key is not the one the ledger entry names."""


class NameRejected(EncryptionError):
    """A name cannot be sealed, or a sealed name cannot be opened."""
