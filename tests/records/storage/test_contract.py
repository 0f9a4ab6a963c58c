"""What every content store promises, checked on each."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.storage.cids import cid_of
from records.storage.errors import BlockDamaged, BlockMissing, NodeRejected
from records.storage.unixfs import CHUNK_SIZE, build, root_of

pytestmark = pytest.mark.timeout(1200)  # the first run installs the IPFS node


def document(length):
    """Return a document that no other test has."""
    return secrets.token_bytes(length)


def contents(store, cid):
    return b"".join(store.read(cid))


def blocks_of(content):
    return [block.cid for block in build([content])]


@pytest.mark.parametrize(
    "length", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE + 7]
)
def test_what_is_put_can_be_read(kept, length):
    content = document(length)
    cid = kept.store.put([content])
    assert cid == root_of([content])
    assert kept.store.has(cid)
    assert contents(kept.store, cid) == content


@given(pieces=st.lists(st.binary(max_size=2000), max_size=5))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_cut_of_the_stream_does_not_matter(kept, pieces):
    cid = kept.store.put(pieces)
    assert contents(kept.store, cid) == b"".join(pieces)


def test_a_document_that_repeats_itself_can_be_read(kept):
    content = secrets.token_bytes(1024) * (3 * CHUNK_SIZE // 1024)
    assert contents(kept.store, kept.store.put([content])) == content


def test_putting_twice_needs_one_removal(kept):
    content = document(CHUNK_SIZE + 99)
    assert kept.store.put([content]) == kept.store.put([content])
    kept.store.remove(root_of([content]))
    assert not kept.store.has(root_of([content]))


def test_single_blocks_can_be_read(kept):
    content = document(CHUNK_SIZE + 99)
    cid = kept.store.put([content])
    blocks = {block.cid: bytes(block.data) for block in build([content])}
    assert {each: kept.store.block(each, of=cid) for each in blocks} == blocks


def test_a_single_block_is_refused_by_name(kept):
    content = document(CHUNK_SIZE + 99)
    cid = kept.store.put([content])
    first, second, _ = blocks_of(content)
    kept.spoil(first)
    kept.lose(second)
    with pytest.raises(BlockDamaged) as damaged:
        kept.store.block(first, of=cid)
    with pytest.raises(BlockMissing) as missing:
        kept.store.block(second, of=cid)
    assert (damaged.value.cid, missing.value.cid) == (first, second)


def test_an_unknown_document_is_missing(kept):
    cid = root_of([document(10)])
    assert not kept.store.has(cid)
    with pytest.raises(BlockMissing) as missing:
        contents(kept.store, cid)
    assert missing.value.cid == cid


def test_a_removed_document_is_gone(kept):
    content = document(2 * CHUNK_SIZE)
    cid = kept.store.put([content])
    kept.store.remove(cid)
    kept.store.remove(cid)
    assert not kept.store.has(cid)
    kept.store.collect()
    for block in blocks_of(content):
        assert not kept.block_files(block)
    with pytest.raises(BlockMissing):
        contents(kept.store, cid)


def test_removal_leaves_shared_blocks_to_the_other_document(kept):
    shared = document(CHUNK_SIZE)
    one, two = shared + document(100), shared + document(100)
    first, second = kept.store.put([one]), kept.store.put([two])
    alone = kept.store.put([shared])
    kept.store.remove(first)
    kept.store.collect()
    assert contents(kept.store, second) == two
    assert contents(kept.store, alone) == shared
    kept.store.remove(second)
    kept.store.collect()
    assert contents(kept.store, alone) == shared


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_damaged_block_is_named_and_none_of_it_released(kept, which):
    content = document(CHUNK_SIZE + 99)
    cid = kept.store.put([content])
    block = blocks_of(content)[which]
    kept.spoil(block)
    released = []
    with pytest.raises(BlockDamaged) as damaged:
        released.extend(kept.store.read(cid))
    assert damaged.value.cid == block
    assert str(block) in str(damaged.value)
    assert b"".join(released) == (content[:CHUNK_SIZE] if which == 1 else b"")


def test_a_block_swollen_by_damage_is_refused(kept):
    content = document(10)
    cid = kept.store.put([content])
    kept.swell(cid)
    with pytest.raises(BlockDamaged):
        contents(kept.store, cid)


def test_a_missing_block_is_named(kept):
    content = document(CHUNK_SIZE + 99)
    cid = kept.store.put([content])
    leaf = blocks_of(content)[1]
    kept.lose(leaf)
    with pytest.raises(BlockMissing) as missing:
        contents(kept.store, cid)
    assert missing.value.cid == leaf


@pytest.mark.parametrize("which", [0, 1, 2])
def test_removing_a_damaged_document_and_putting_it_again_mends(kept, which):
    content = document(CHUNK_SIZE + 99)
    cid = kept.store.put([content])
    kept.spoil(blocks_of(content)[which])
    kept.store.remove(cid)
    kept.store.put([content])
    assert contents(kept.store, cid) == content


@pytest.mark.parametrize("which", [0, 1, 2])
def test_putting_again_restores_what_is_missing(kept, which):
    content = document(CHUNK_SIZE + 99)
    cid = kept.store.put([content])
    kept.lose(blocks_of(content)[which])
    kept.store.put([content])
    assert contents(kept.store, cid) == content


def test_a_document_that_breaks_off_is_not_there(kept):
    content = document(2 * CHUNK_SIZE + 5)

    def breaks_off():
        yield content
        raise ConnectionResetError("the browser went away")

    with pytest.raises(ConnectionResetError):
        kept.store.put(breaks_off())
    kept.store.collect()
    assert not kept.store.has(root_of([content]))
    for block in blocks_of(content):
        assert not kept.block_files(block)


def test_a_node_that_is_no_file_is_refused(kept):
    noise = document(50)
    # A leaf's bytes under the codec of nodes: an honest hash of no node.
    kept.store.put([noise])
    cid = cid_of(noise, "dag-pb")
    with pytest.raises((NodeRejected, BlockMissing)):
        contents(kept.store, cid)


def test_many_can_put_and_read_at_once(kept):
    documents = [document(CHUNK_SIZE // 2) for _ in range(4)] * 2
    with ThreadPoolExecutor(4) as pool:
        cids = list(pool.map(lambda content: kept.store.put([content]), documents))
        read = list(pool.map(lambda cid: contents(kept.store, cid), cids))
    assert read == documents
