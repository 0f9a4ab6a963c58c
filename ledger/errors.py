"""The errors of the ledger, as one tree.

LedgerError
├── EncodingError          bytes or values that no entry of version 1 can hold
├── ProofRejected          a Merkle proof does not show what it claims
├── PolicyRejected         a trust policy that cannot be read
├── NoteRejected           a signed note is malformed or not signed by the key asked for
│   └── CheckpointRejected the note is sound, its text is not this log's checkpoint
├── OutsideTransaction     a statement was queued without the act it records
├── NotProvable            no signed checkpoint covers the entry yet
├── BodyDamaged            what an entry names by its CID is missing or changed
├── PartyUnreachable       another site or witness does not answer as it should
├── RemoteDamaged          a log served elsewhere is not what it has signed
├── WitnessRefused         a witness does not cosign, or answers falsely
├── HeadMoved              another process has signed for the log meanwhile
├── HeadUnknown            nothing tells whether this database is the log's newest
└── LedgerDamaged          the stored log disagrees with what was hashed or signed
    └── LedgerBehind       the log was signed further than this database holds it
"""


class LedgerError(Exception):
    """Anything the ledger refuses, with a sentence for the person who asked."""


class EncodingError(LedgerError):
    """Bytes or values that no entry of version 1 can hold."""


class ProofRejected(LedgerError):
    """A Merkle proof does not show what it claims."""


class NoteRejected(LedgerError):
    """A signed note is malformed, or not signed by the key asked for."""


class CheckpointRejected(NoteRejected):
    """A signed note's text is not a checkpoint of the log asked for."""


class PolicyRejected(LedgerError):
    """A trust policy that cannot be read, with the line that is wrong."""


class OutsideTransaction(LedgerError):
    """A statement was queued outside the transaction of the act it records."""


class NotProvable(LedgerError):
    """No signed checkpoint covers the entry yet, or there is no such entry."""


class BodyDamaged(LedgerError):
    """What an entry names by its CID is not there, or is not what the CID says."""


class PartyUnreachable(LedgerError):
    """Another site or witness is down, slow, or sends what nobody asked for."""


class RemoteDamaged(LedgerError):
    """A log served elsewhere does not hold what its checkpoint promises."""


class WitnessRefused(LedgerError):
    """A witness does not cosign a checkpoint, or what it answers is false."""


class HeadMoved(LedgerError):
    """Another process has signed for the log since this one looked."""


class HeadUnknown(LedgerError):
    """Nothing tells whether this database is the log's newest; nothing is appended."""


class LedgerDamaged(LedgerError):
    """The stored log disagrees with what was hashed or signed.

    Attributes:
        seq: the first sequence number that cannot be trusted.
    """

    def __init__(self, seq: int, sentence: str) -> None:
        super().__init__(sentence)
        self.seq = seq


class LedgerBehind(LedgerDamaged):
    """The log was signed further than this database holds it: a restored backup."""
