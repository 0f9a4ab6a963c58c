"""What the service answers about a data set, in memory and sealed picture by picture."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from diagnosis.grading.report import GradeReport
from records.encryption.wrapping import derived_key
from records.errors import RecordDamaged

FORMAT = "anamnesis-set-results-1"
NONCE_BYTES = 12
_PURPOSE = b"AML1-results"


@dataclass(frozen=True)
class Result:
    """The grade of one picture, without its mask.

    Attributes:
        number: of the picture in the set, from 1.
        grade: None where there is none.
        reason: why there is none; None where there is one.
        probabilities: by grade; None without a grade.
        fluid_fraction: fluid ÷ frame.
        kidney_fraction: kidney with its fluid ÷ frame.
        mask_sha256: digest of the mask, hex; two equal results marked equal pixels.
    """

    number: int
    grade: str | None
    reason: str | None
    probabilities: dict[str, float] | None
    fluid_fraction: float | None = None
    kidney_fraction: float | None = None
    mask_sha256: str = ""

    @classmethod
    def of(cls, number: int, report: GradeReport) -> "Result":
        """What is kept of a report."""
        shares = report.probabilities
        return cls(
            number=number,
            grade=report.grade,
            reason=report.reason,
            probabilities=None
            if shares is None
            else {str(g): shares[g] for g in shares},
            fluid_fraction=report.fluid_fraction,
            kidney_fraction=report.kidney_fraction,
            mask_sha256=hashlib.sha256(report.mask.tobytes()).hexdigest(),
        )


@dataclass(frozen=True)
class SetResults:
    """Everything the service says of a set."""

    data_set: str
    images_cid: str
    model_version: str
    weights_sha256: str
    results: tuple[Result, ...]

    def to_json(self) -> bytes:
        """The content of CID_M before it is sealed."""
        fields = {"format": FORMAT, **asdict(self)}
        return json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "SetResults":
        """Read what ``to_json`` wrote.

        Raises:
            RecordDamaged: it is something else.
        """
        try:
            fields = json.loads(content)
            if fields.pop("format") != FORMAT:
                raise RecordDamaged(
                    f"Only results of format {FORMAT} can be read here."
                )
            rows = tuple(Result(**row) for row in fields.pop("results"))
            return cls(results=rows, **fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RecordDamaged("The results are not what they should be.") from error


class ResultCipher:
    """Seals one run's results row by row under a key derived from the pictures' key.

    nonce (12, random) ‖ AES-256-GCM of the JSON; associated data: number u32 big-endian.
    Key: HKDF-SHA256 of the data key, info "AML1-results" ‖ run id.
    """

    def __init__(self, data_key: bytes, run_id: UUID) -> None:
        key = derived_key(data_key, purpose=_PURPOSE, record_id=run_id.bytes)
        self._cipher = AESGCM(key)

    def seal(self, result: Result) -> bytes:
        """Seal one result."""
        nonce, plain = secrets.token_bytes(NONCE_BYTES), json.dumps(asdict(result))
        return nonce + self._cipher.encrypt(
            nonce, plain.encode(), result.number.to_bytes(4)
        )

    def open(self, number: int, sealed: bytes) -> Result:
        """Open what ``seal`` made for this number.

        Raises:
            RecordDamaged: it was changed, or belongs to another picture or run.
        """
        try:
            plain = self._cipher.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], number.to_bytes(4)
            )
        except InvalidTag as error:
            raise RecordDamaged(
                f"The result of picture {number} was altered."
            ) from error
        return Result(**json.loads(plain))


def differing(one: Sequence[Result], other: Sequence[Result]) -> int:
    """How many pictures got another answer: grade, probabilities or mask."""
    theirs = {result.number: result for result in other}
    return sum(theirs.get(result.number) != result for result in one)
