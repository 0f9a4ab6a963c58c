"""CIDs by the profile, trees of every shape, foreign bytes refused."""

import hashlib
from contextlib import suppress
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import given, settings
from hypothesis import strategies as st

from records.storage.cids import (
    binary_cid_of,
    cid_of,
    codec_of,
    decode_cid,
    parse_cid,
)
from records.storage.dag_pb import Link, decode_node, encode_node
from records.storage.errors import BlockDamaged, CidRejected, NodeRejected
from records.storage.unixfs import (
    CHUNK_SIZE,
    LINKS_PER_NODE,
    build,
    read,
    root_of,
)
from tests.records.changes import changed

HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"


def keystream(seed, length):
    """Yield the ChaCha20 keystream that IPIP-0499's vectors are made of."""
    key = hashlib.sha256(seed).digest()
    cipher = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    while length:
        step = min(length, CHUNK_SIZE)
        yield cipher.update(bytes(step))
        length -= step


def test_hello_world_has_the_profiles_cid():
    assert str(root_of([b"hello world"])) == HELLO
    assert str(root_of([b"hello", b"", b" world"])) == HELLO


@pytest.mark.parametrize(
    ("length", "cid"),
    [
        (CHUNK_SIZE, "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta"),
        (CHUNK_SIZE + 1, "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64"),
    ],
)
def test_files_around_a_chunk_have_the_profiles_cids(length, cid):
    assert str(root_of(keystream(b"chunk-v1-seed", length))) == cid


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "cid"),
    [
        (0, "bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm"),
        (1, "bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe"),
    ],
)
def test_files_around_a_gibibyte_have_the_profiles_cids(more, cid):
    length = LINKS_PER_NODE * CHUNK_SIZE + more
    assert str(root_of(keystream(b"v1-2025-seed", length))) == cid


@pytest.mark.parametrize("length", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE])
def test_a_file_of_one_chunk_is_its_leaf(length):
    (block,) = build([bytes(length)])
    assert codec_of(block.cid) == "raw"
    assert bytes(block.cid)[4:] == hashlib.sha256(bytes(length)).digest()


def tree(content, *, chunk_size, links_per_node):
    """Return a file's blocks by CID, with the root's CID."""
    blocks, root = {}, None
    for block in build([content], chunk_size=chunk_size, links_per_node=links_per_node):
        blocks[block.cid] = bytes(block.data)
        root = block.cid
    return blocks, root


def depths(blocks, cid, depth=0):
    """Yield the depth of every leaf, in order."""
    if codec_of(cid) == "raw":
        yield depth
        return
    for link in decode_node(blocks[cid]):
        yield from depths(blocks, decode_cid(link.cid), depth + 1)


def sizes(blocks, cid):
    """Yield what a link to the block must say, and what is under it."""
    if codec_of(cid) == "raw":
        return len(blocks[cid]), len(blocks[cid])
    trees, files = [], []
    for link in decode_node(blocks[cid]):
        assert (link.tree_size, link.file_size) == sizes(blocks, decode_cid(link.cid))
        trees.append(link.tree_size)
        files.append(link.file_size)
    return len(blocks[cid]) + sum(trees), sum(files)


@pytest.mark.parametrize(
    ("leaves", "depth", "nodes"),
    [(1, 0, 0), (2, 1, 1), (4, 1, 1), (5, 2, 3), (16, 2, 5), (17, 3, 8), (65, 4, 25)],
)
def test_every_leaf_lies_at_the_same_depth(leaves, depth, nodes):
    content = b"".join(bytes([i]) * 10 for i in range(leaves))
    blocks, root = tree(content, chunk_size=10, links_per_node=4)
    assert list(depths(blocks, root)) == [depth] * leaves
    assert len(blocks) == leaves + nodes
    assert sizes(blocks, root)[1] == len(content)


@given(st.binary(max_size=600), st.integers(1, 9), st.integers(2, 5))
@settings(deadline=None)
def test_any_tree_reads_back(content, chunk_size, links_per_node):
    blocks, root = tree(content, chunk_size=chunk_size, links_per_node=links_per_node)
    assert b"".join(read(root, blocks.__getitem__)) == content
    assert sizes(blocks, root)[1] == len(content)


@given(st.binary(min_size=40, max_size=200), st.data())
@settings(deadline=None)
def test_any_flipped_bit_in_a_store_is_refused(content, data):
    blocks, root = tree(content, chunk_size=8, links_per_node=3)
    spoiled = data.draw(st.sampled_from(sorted(blocks, key=bytes)))
    changed = bytearray(blocks[spoiled])
    bit = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    blocks[spoiled] = bytes(changed)
    with pytest.raises(BlockDamaged) as damaged:
        list(read(root, blocks.__getitem__))
    assert damaged.value.cid == spoiled


@given(st.binary(min_size=40, max_size=200), st.data())
def test_any_change_of_a_block_is_refused(content, data):
    blocks, root = tree(content, chunk_size=8, links_per_node=3)
    at = data.draw(st.sampled_from(sorted(blocks, key=bytes)))
    before = blocks[at]
    others = st.sampled_from([each for each in blocks.values() if each != before])
    blocks[at] = data.draw(changed(before) | others)
    released: list[bytes] = []
    with pytest.raises(BlockDamaged) as damaged:
        released.extend(read(root, blocks.__getitem__))
    assert damaged.value.cid == at
    leaves = [content[start : start + 8] for start in range(0, len(content), 8)]
    sound = leaves.index(before) if before in leaves else len(leaves)
    assert content[: 8 * sound].startswith(b"".join(released))


def test_children_come_before_their_parents():
    seen: set[bytes] = set()
    for block in build([bytes(range(100))], chunk_size=3, links_per_node=3):
        if codec_of(block.cid) == "dag-pb":
            assert {link.cid for link in decode_node(bytes(block.data))} <= seen
        seen.add(block.binary_cid)


LEAF = binary_cid_of(b"leaf", "raw")
NODE = encode_node([Link(LEAF, 4, 4), Link(LEAF, 4, 4)])


def test_a_node_has_the_stated_bytes():
    link = b"\x12\x2a\x0a\x24" + LEAF + b"\x12\x00\x18\x04"
    assert link + link + b"\x0a\x08\x08\x02\x18\x08\x20\x04\x20\x04" == NODE
    assert decode_node(NODE) == (Link(LEAF, 4, 4),) * 2


@given(st.integers(0, len(NODE) * 8 - 1))
def test_a_node_with_a_flipped_bit_is_another_node_or_none(bit):
    changed = bytearray(NODE)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        links = decode_node(bytes(changed))
    except NodeRejected:
        return
    assert encode_node(links) == changed


@given(changed(NODE))
@settings(max_examples=300)
def test_a_changed_node_is_another_node_or_none(made):
    try:
        links = decode_node(made)
    except NodeRejected:
        return
    assert encode_node(links) == made


@given(st.binary(max_size=200) | st.binary(max_size=60).map(NODE.__add__))
def test_noise_is_no_node(noise):
    if noise != NODE:
        with pytest.raises(NodeRejected):
            decode_node(noise)


@pytest.mark.parametrize("length", range(len(NODE)))
def test_a_shortened_node_is_refused(length):
    with pytest.raises(NodeRejected):
        decode_node(NODE[:length])


@given(
    st.lists(
        st.tuples(st.binary(max_size=9), st.integers(0, 2**50), st.integers(1, 2**50)),
        min_size=1,
        max_size=9,
    )
)
def test_any_node_reads_back(children):
    links = [
        Link(binary_cid_of(data, "raw"), tree, file) for data, tree, file in children
    ]
    assert decode_node(encode_node(links)) == tuple(links)


def test_a_node_that_lies_about_its_children_is_refused():
    lying = encode_node([Link(LEAF, 4, 5)])
    blocks = {decode_cid(LEAF): b"leaf", cid_of(lying, "dag-pb"): lying}
    with pytest.raises(NodeRejected):
        list(read(cid_of(lying, "dag-pb"), blocks.__getitem__))


def test_a_node_that_leads_nowhere_is_refused():
    nothing = encode_node([Link(binary_cid_of(b"", "raw"), 0, 0)] * 3)
    with pytest.raises(NodeRejected):
        decode_node(nothing)


@given(st.binary(max_size=50), st.sampled_from(["raw", "dag-pb"]))
def test_a_cid_reads_back_as_text_and_as_bytes(data, codec):
    cid = cid_of(data, codec)
    assert parse_cid(str(cid)) == decode_cid(bytes(cid)) == cid
    assert codec_of(cid) == codec


@given(st.integers(0, 58), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567A=1 é"))
def test_a_cid_with_another_character_is_another_cid_or_none(at, character):
    text = HELLO[:at] + character + HELLO[at + 1 :]
    try:
        assert str(parse_cid(text)) == text
    except CidRejected:
        assert text != HELLO


@given(st.text(max_size=70) | st.text("abcdefghij234567", min_size=59, max_size=59))
def test_other_text_is_no_cid(text):
    with suppress(CidRejected):
        assert str(parse_cid(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o",
        HELLO.upper(),
        HELLO + "a",
        "zb2rhj7crUKTQYRGCRATFaQ6YFLTde2YzdqbbhAASkL9uRDXn",
        "b" + "a" * 58,
    ],
)
def test_cids_of_another_form_are_refused(text):
    with pytest.raises(CidRejected):
        parse_cid(text)


@given(changed(HELLO, st.text("abcdefghijklmnopqrstuvwxyz234567BZ=\n0é", max_size=60)))
@settings(max_examples=300)
def test_a_changed_cid_is_another_cid_or_none(made):
    with suppress(CidRejected):
        assert str(parse_cid(made)) == made


@given(changed(LEAF))
@settings(max_examples=300)
def test_changed_bytes_are_another_cid_or_none(made):
    with suppress(CidRejected):
        assert bytes(decode_cid(made)) == made


@given(st.binary(max_size=40))
def test_other_bytes_are_no_cid(data):
    with pytest.raises(CidRejected):
        decode_cid(data)


def test_all_chunks_but_the_last_are_full():
    lengths = [len(block.data) for block in build([bytes(95)], chunk_size=10)][:-1]
    assert all(one >= other for one, other in pairwise(lengths))
    assert lengths == [10] * 9 + [5]
