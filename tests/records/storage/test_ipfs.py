"""What is peculiar to blocks in an IPFS node."""

import secrets
import socket

import ipfshttpclient
import pytest
from multiformats import CID

from records.storage.errors import BlockDamaged, StoreUnavailable
from records.storage.ipfs import IpfsStore
from records.storage.unixfs import CHUNK_SIZE, root_of
from tests.records.storage.conftest import IpfsUnderTest
from tests.records.storage.ipfs_daemon import IpfsDaemon


@pytest.fixture
def nobody():
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_node_that_is_down_is_said_in_a_sentence(nobody):
    store = IpfsStore(nobody, patience=1)
    cid = root_of([b"kidney"])
    for act in (
        lambda: store.put([b"kidney"]),
        lambda: list(store.read(cid)),
        lambda: store.has(cid),
        lambda: store.remove(cid),
        store.collect,
    ):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            act()


@pytest.mark.parametrize(
    "api", ["", "localhost", "ftp://x", "http://", "http://x:port", "/ip4/1.2.3.4"]
)
def test_an_address_that_is_none_is_refused(api):
    with pytest.raises(ValueError, match="not the address"):
        IpfsStore(api)


@pytest.mark.ipfs
def test_the_node_itself_reads_the_document(ipfs_daemon):
    content = secrets.token_bytes(2 * CHUNK_SIZE + 3)
    cid = IpfsStore(ipfs_daemon.api).put([content])
    assert ipfshttpclient.Client(ipfs_daemon.api).cat(str(cid)) == content


@pytest.mark.ipfs
@pytest.mark.parametrize("length", [0, 11, CHUNK_SIZE, CHUNK_SIZE + 1, 5 * CHUNK_SIZE])
def test_the_node_computes_the_same_cid(ipfs_daemon, length):
    content = secrets.token_bytes(length)
    options = {
        "chunker": f"size-{CHUNK_SIZE}",
        "raw-leaves": "true",
        "cid-version": 1,
        "only-hash": "true",
    }
    client = ipfshttpclient.Client(ipfs_daemon.api)
    answer = client.add_bytes(content, opts=options)
    assert CID.decode(answer) == root_of([content])


@pytest.mark.ipfs
def test_an_url_does_as_well_as_a_multiaddr(ipfs_daemon):
    _, _, host, _, port, *_ = ipfs_daemon.api.split("/")
    store = IpfsStore(f"http://{host}:{port}")
    content = secrets.token_bytes(100)
    assert b"".join(store.read(store.put([content]))) == content


@pytest.mark.ipfs
@pytest.mark.slow
def test_a_node_that_stops_in_the_middle_is_said_in_a_sentence(ipfs_packages, tmp_path):
    first, rest = secrets.token_bytes(CHUNK_SIZE), secrets.token_bytes(CHUNK_SIZE)
    with IpfsDaemon(ipfs_packages, tmp_path) as daemon:
        store = IpfsStore(daemon.api, patience=2)

        def stops_in_the_middle():
            yield first
            daemon.stop()
            yield rest

        with pytest.raises(StoreUnavailable, match="does not answer"):
            store.put(stops_in_the_middle())
        daemon.start()
        store = IpfsStore(daemon.api, patience=2)
        assert not store.has(root_of([first + rest]))
        assert store.put([first + rest]) == root_of([first + rest])


@pytest.mark.ipfs
def test_a_pinned_damaged_block_is_named_when_put_again(ipfs_daemon):
    kept = IpfsUnderTest(ipfs_daemon)
    content = secrets.token_bytes(100)
    cid = kept.store.put([content])
    kept.spoil(cid)
    with pytest.raises(BlockDamaged) as damaged:
        kept.store.put([content])
    kept.make_whole()
    assert damaged.value.cid == cid
