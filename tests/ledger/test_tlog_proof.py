"""Proof files: one written form, in which nothing can be changed unnoticed."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, parse_and_verify, sign
from ledger.cosignature import cosign, cosignatures
from ledger.errors import NoteRejected, ProofRejected
from ledger.hashing import leaf_hash
from ledger.merkle import inclusion_path, root
from ledger.note import COSIGNATURE_TYPE
from ledger.proofs import MAX_SIZE, verify_inclusion
from ledger.tlog_proof import HEADER, MAX_PATH, TlogProof, format_proof, parse_proof
from ledger.verifier_key import VerifierKey
from tests.ledger.values import ORIGIN, flip, hash32, signer

LOG, WITNESS = signer(1), signer(2)
WITNESS_KEY = VerifierKey("w.example", WITNESS.public_key, COSIGNATURE_TYPE)

ENTRIES = [b"entry %d" % n for n in range(7)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def checkpoint_of(leaves: list[bytes]) -> str:
    note = sign(Checkpoint(ORIGIN, len(leaves), root(leaves)), LOG)
    text = note.rpartition("\n\n")[0] + "\n"
    return note + cosign(text, name="w.example", signer=WITNESS, time=1_790_000_000)


def proof_of(index: int, size: int = 7) -> TlogProof:
    leaves = LEAVES[:size]
    return TlogProof(index, inclusion_path(index, leaves), checkpoint_of(leaves))


def check(text: str, entry: bytes) -> None:
    """What a reader does who knows the log and trusts the one witness."""
    proof = parse_proof(text)
    checkpoint = parse_and_verify(
        proof.checkpoint, origin=ORIGIN, public_key=LOG.public_key
    )
    if not cosignatures(proof.checkpoint, [WITNESS_KEY]):
        raise NoteRejected("Nobody has witnessed it.")
    verify_inclusion(
        index=proof.index,
        size=checkpoint.size,
        leaf_hash=leaf_hash(entry),
        path=proof.path,
        root=checkpoint.root,
    )


def refused(text: str) -> None:
    with pytest.raises(ProofRejected):
        parse_proof(text)


PROOF = proof_of(2)
TEXT = format_proof(PROOF)
LINES = TEXT.split("\n")
FIRST_HASH = LINES[2]


def test_a_proof_is_its_header_index_path_and_checkpoint():
    siblings = [base64.b64encode(sibling).decode() for sibling in PROOF.path]
    assert len(siblings) == 3
    head = ["c2sp.org/tlog-proof@v1", "index 2", *siblings]
    assert [*head, "", *PROOF.checkpoint.split("\n")] == LINES


def test_the_specification_s_example_is_read():
    text = """\
c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw[...]1roloI=
"""
    proof = parse_proof(text)
    assert proof.index == 73_894
    assert [sibling.hex()[:8] for sibling in proof.path] == [
        "8122b25e", "07de650d", "10a373a0", "468a2912", "0070a2a1",
    ]  # fmt: skip
    assert proof.checkpoint.startswith("example.com/fancylog\n109482\nsFod")
    assert proof.checkpoint.endswith("\n\n— example.com/fancylog hI2DJw[...]1roloI=\n")


@given(
    st.builds(
        TlogProof,
        index=st.integers(0, MAX_SIZE),
        path=st.integers(0, MAX_PATH).map(lambda n: tuple(map(hash32, range(n)))),
        checkpoint=st.text()
        | st.sampled_from([PROOF.checkpoint, "\n", "\n\n", "a\n\nb"]),
    )
)
def test_a_proof_is_read_as_it_is_written(proof: TlogProof):
    assert parse_proof(format_proof(proof)) == proof


def test_every_entry_of_a_log_is_proven_by_its_file():
    for size in range(1, 8):
        for index in range(size):
            check(format_proof(proof_of(index, size)), ENTRIES[index])


def test_the_only_entry_of_a_log_needs_no_sibling():
    text = format_proof(proof_of(0, 1))
    assert text.startswith(f"{HEADER}\nindex 0\n\n{ORIGIN}\n1\n")
    assert parse_proof(text).path == ()
    check(text, ENTRIES[0])


def test_one_flipped_bit_anywhere_is_refused():
    data = TEXT.encode()
    check(TEXT, ENTRIES[2])
    for bit in range(len(data) * 8):
        changed = flip(data, bit).decode(errors="surrogateescape")
        with pytest.raises((ProofRejected, NoteRejected)):
            check(changed, ENTRIES[2])


@given(st.data())
def test_a_proof_cut_short_anywhere_is_refused(data):
    length = data.draw(st.integers(0, len(TEXT) - 1))
    with pytest.raises((ProofRejected, NoteRejected)):
        check(TEXT[:length], ENTRIES[2])


def test_a_proof_is_about_one_entry():
    for index, entry in enumerate(ENTRIES):
        if index != 2:
            with pytest.raises(ProofRejected):
                check(TEXT, entry)
            with pytest.raises(ProofRejected):
                check(format_proof(replace(PROOF, index=index)), entry)


def test_a_proof_under_another_checkpoint_is_refused():
    other = [*LEAVES[:6], hash32("fork")]
    for leaves in (LEAVES[:6], other, [*LEAVES, hash32(7)]):
        moved = replace(PROOF, checkpoint=checkpoint_of(leaves))
        with pytest.raises(ProofRejected):
            check(format_proof(moved), ENTRIES[2])


def test_an_extra_line_is_passed_over_whatever_it_says():
    for extra in ("YQ==", "", "index 5", FIRST_HASH, "extra YQ==", "not base64", "é"):
        text = TEXT.replace("\n", f"\nextra {extra}\n", 1)
        assert parse_proof(text) == PROOF
        check(text, ENTRIES[2])


def test_an_extra_line_stands_once_and_in_its_place():
    extra = "extra YQ=="
    refused("\n".join([HEADER, extra, extra, *LINES[1:]]))
    refused("\n".join([HEADER, LINES[1], extra, *LINES[2:]]))
    refused("\n".join([extra, HEADER, *LINES[1:]]))
    refused("\n".join([HEADER, "extra", *LINES[1:]]))
    refused("\n".join([HEADER, "Extra YQ==", *LINES[1:]]))
    refused(f"{HEADER}\n{extra}\n\n{PROOF.checkpoint}")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "c2sp.org/tlog-proof@v2",
        "c2sp.org/tlog-proof@v1 ",
        " c2sp.org/tlog-proof@v1",
        "C2SP.org/tlog-proof@v1",
        "\ufeffc2sp.org/tlog-proof@v1",
        "https://c2sp.org/tlog-proof@v1",
    ],
)
def test_another_header_is_refused(header: str):
    refused("\n".join([header, *LINES[1:]]))


@pytest.mark.parametrize(
    "index",
    [
        "",
        "index",
        "index ",
        "index  2",
        "index 2 ",
        "index\t2",
        "Index 2",
        "2",
        "index 02",
        "index 00",
        "index +2",
        "index -2",
        "index -0",
        "index 2.0",
        "index 0x2",
        "index 2_0",
        "index ٢",
        "index ²",
        "index two",
        "index 9223372036854775808",
        "index 18446744073709551616",
        "index " + "9" * 5000,
        "tree 2",
    ],
)
def test_an_index_is_a_plain_number_that_an_entry_can_have(index: str):
    refused("\n".join([HEADER, index, *LINES[2:]]))


def test_the_largest_index_is_read():
    text = "\n".join([HEADER, "index 9223372036854775807", *LINES[2:]])
    assert parse_proof(text).index == 2**63 - 1


def test_a_path_is_as_long_as_the_highest_tree_at_most():
    longest = replace(PROOF, path=(hash32(0),) * 63)
    assert parse_proof(format_proof(longest)) == longest
    refused(format_proof(replace(PROOF, path=(hash32(0),) * 64)))
    refused(format_proof(replace(PROOF, path=(hash32(0),) * 100_000)))


@pytest.mark.parametrize(
    "line",
    [
        " ",
        FIRST_HASH[:-1],
        FIRST_HASH + "=",
        FIRST_HASH + "\r",
        FIRST_HASH + " ",
        " " + FIRST_HASH,
        FIRST_HASH[:20] + " " + FIRST_HASH[20:],
        FIRST_HASH[:-2] + chr(ord(FIRST_HASH[-2]) + 1) + "=",
        base64.b64encode(bytes(31)).decode(),
        base64.b64encode(bytes(33)).decode(),
        base64.b64encode(bytes(64)).decode(),
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        hash32(0).hex(),
        "A",
        "é" * 44,
        "\ud800",
        "index 2",
    ],
)
def test_a_line_that_is_no_hash_in_its_one_form_is_refused(line: str):
    for at in (2, 3, 5):
        refused("\n".join([*LINES[:at], line, *LINES[at:]]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n",
        HEADER,
        HEADER + "\n",
        HEADER + "\n\n",
        f"{HEADER}\nindex 2",
        f"{HEADER}\nindex 2\n",
        "\n" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n\n", "\n", 1),
        f"{HEADER}\n\nindex 2\n\n{PROOF.checkpoint}",
        f"{HEADER}\n{FIRST_HASH}\nindex 2\n\n{PROOF.checkpoint}",
        PROOF.checkpoint,
    ],
)
def test_malformed_files_are_refused(text: str):
    refused(text)


def test_an_empty_line_ends_the_path():
    """What comes after it belongs to the checkpoint, which then has no log's name."""
    early = "\n".join([*LINES[:3], "", *LINES[3:]])
    assert parse_proof(early).path == PROOF.path[:1]
    with pytest.raises(NoteRejected):
        check(early, ENTRIES[2])
