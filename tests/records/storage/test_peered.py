"""What one store lost comes back from others, and nothing else does."""

import secrets
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from records.content import content_store
from records.storage.errors import BlockDamaged, BlockMissing, StoreUnavailable
from records.storage.folder import FolderStore
from records.storage.ipfs import IpfsStore
from records.storage.peered import PeeredStore
from records.storage.unixfs import CHUNK_SIZE, build, root_of
from tests.records.storage.conftest import NOWHERE, FolderUnderTest, IpfsUnderTest

CONTENT = secrets.token_bytes(2 * CHUNK_SIZE + 99)
ROOT = root_of([CONTENT])
FIRST, SECOND, THIRD, TOP = (block.cid for block in build([CONTENT]))


@pytest.fixture
def liar():
    """Start a node that answers whatever it is asked with the same bytes."""
    with ExitStack() as running:
        yield lambda answer: running.enter_context(node_that_says(answer))


@contextmanager
def node_that_says(answer):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield IpfsStore(f"/ip4/127.0.0.1/tcp/{server.server_port}")
        server.shutdown()
        thread.join()


class Asked(FolderStore):
    """Counts how often it is asked for a block."""

    times = 0

    def block(self, cid, *, of):
        self.times += 1
        return super().block(cid, of=of)


class Silent:
    """A peer that is down; waiting for it would cost a minute each time."""

    times = 0

    def block(self, _cid, *, of):
        self.times += 1
        raise StoreUnavailable("The node does not answer.")


class GoesAway(FolderStore):
    """A peer that is read once, then no more."""

    times = 0

    def block(self, cid, *, of):
        self.times += 1
        if self.times > 1:
            raise StoreUnavailable("The node does not answer.")
        return super().block(cid, of=of)


@pytest.fixture
def own(folder):
    folder.store.put([CONTENT])
    return folder


@pytest.fixture
def peer(tmp_path):
    peer = FolderUnderTest(tmp_path / "peer")
    peer.store.put([CONTENT])
    return peer


def read_by(*stores):
    own, *peers = stores
    return b"".join(PeeredStore(own, peers).read(ROOT))


@pytest.mark.parametrize("block", [FIRST, SECOND, THIRD, TOP])
@pytest.mark.parametrize("harm", ["spoil", "lose", "swell"])
def test_a_block_that_is_damaged_here_is_read_from_a_peer(own, peer, block, harm):
    getattr(own, harm)(block)
    assert read_by(own.store, peer.store) == CONTENT


def test_two_stores_with_damage_in_different_blocks_make_one_document(own, peer):
    own.spoil(FIRST)
    peer.spoil(SECOND)
    assert read_by(own.store, peer.store) == CONTENT


def test_a_block_that_is_damaged_everywhere_is_named(own, peer):
    own.spoil(SECOND)
    peer.lose(SECOND)
    released: list[bytes] = []
    store = PeeredStore(own.store, [peer.store])
    with pytest.raises(BlockDamaged) as damaged:
        released.extend(store.read(ROOT))
    assert damaged.value.cid == SECOND
    assert b"".join(released) == CONTENT[:CHUNK_SIZE]


@pytest.mark.parametrize(
    "lie", [b"", b"another's", bytes(CHUNK_SIZE), bytes(3 * CHUNK_SIZE)]
)
def test_a_peer_that_lies_is_not_believed(own, peer, liar, lie):
    own.lose(FIRST)
    lying = liar(lie)
    with pytest.raises(BlockMissing):
        read_by(own.store, lying)
    with pytest.raises(BlockMissing):
        mended_by(own.store, lying)
    assert read_by(own.store, lying, peer.store) == CONTENT


def test_nobody_is_asked_while_the_own_store_is_sound(own, peer):
    asked = Asked(peer.root)
    assert read_by(own.store, asked) == CONTENT
    assert asked.times == 0


def test_a_peer_that_is_down_is_skipped_and_awaited_once(own, peer):
    for block in (FIRST, SECOND, THIRD):
        own.lose(block)
    silent = Silent()
    assert read_by(own.store, silent, peer.store) == CONTENT
    assert silent.times == 1
    assert read_by(own.store, IpfsStore(NOWHERE), peer.store) == CONTENT
    with pytest.raises(BlockMissing):
        read_by(own.store, silent)


def test_a_store_that_is_down_is_read_from_its_peer(peer):
    silent = Silent()
    assert read_by(silent, peer.store) == CONTENT
    assert silent.times == 1
    peer.lose(SECOND)
    # Whether the own store has it, nobody can say.
    with pytest.raises(StoreUnavailable):
        read_by(silent, peer.store)


def mended_by(*stores):
    own, *peers = stores
    return PeeredStore(own, peers).mend(ROOT)


def own_copy(store):
    return b"".join(store.store.read(ROOT))


@pytest.mark.parametrize("block", [FIRST, SECOND, THIRD, TOP])
@pytest.mark.parametrize("harm", ["spoil", "lose", "swell"])
def test_a_damaged_document_is_mended_from_a_peer(own, peer, block, harm):
    getattr(own, harm)(block)
    assert mended_by(own.store, peer.store)
    assert own_copy(own) == CONTENT
    assert not mended_by(own.store, peer.store)
    assert list((own.root / "unfinished").iterdir()) == []


def test_a_lost_document_is_mended_from_a_peer(own, peer):
    own.store.remove(ROOT)
    assert mended_by(own.store, peer.store)
    assert own.store.has(ROOT)
    assert own_copy(own) == CONTENT


@pytest.mark.parametrize("harm", ["spoil", "lose"])
def test_what_nobody_has_sound_stays_as_it_was(own, peer, harm):
    getattr(own, harm)(SECOND)
    peer.spoil(SECOND)
    before = {path: path.read_bytes() for path in own.any_files()}
    with pytest.raises((BlockDamaged, BlockMissing)) as refused:
        mended_by(own.store, peer.store)
    assert refused.value.cid == SECOND
    assert {path: path.read_bytes() for path in own.any_files()} == before


def test_a_peer_that_goes_away_in_the_middle_takes_nothing_along(own, peer):
    own.spoil(SECOND)
    before = {path: path.read_bytes() for path in own.any_files()}
    with pytest.raises(StoreUnavailable, match="went away"):
        mended_by(own.store, GoesAway(peer.root))
    assert {path: path.read_bytes() for path in own.any_files()} == before


def test_a_store_that_is_down_is_not_mended(peer):
    with pytest.raises(StoreUnavailable):
        mended_by(FolderThatIsDown(), peer.store)


class FolderThatIsDown(Silent):
    def read(self, _cid):
        raise StoreUnavailable("The node does not answer.")


@pytest.mark.ipfs
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("harm", ["spoil", "lose"])
def test_a_node_mends_what_it_has_pinned(ipfs_daemon, tmp_path, harm):
    content = secrets.token_bytes(CHUNK_SIZE + 99)
    node = IpfsUnderTest(ipfs_daemon)
    peer = FolderStore(tmp_path / "peer")
    cid = node.store.put([content])
    peer.put([content])
    leaf, *_ = (block.cid for block in build([content]))
    getattr(node, harm)(leaf)
    assert PeeredStore(node.store, [peer]).mend(cid)
    assert b"".join(node.store.read(cid)) == content
    assert node.store.has(cid)


@pytest.mark.ipfs
@pytest.mark.timeout(1200)
def test_the_site_s_own_store_asks_the_nodes_that_it_is_told(
    ipfs_daemon, settings, tmp_path
):
    content = secrets.token_bytes(CHUNK_SIZE + 99)
    cid = IpfsStore(ipfs_daemon.api).put([content])
    settings.BLOCKS = tmp_path
    settings.IPFS_PEERS = [NOWHERE]
    with pytest.raises(BlockMissing):
        b"".join(content_store.__wrapped__().read(cid))
    settings.IPFS_PEERS = [NOWHERE, ipfs_daemon.api]
    site = content_store.__wrapped__()
    assert b"".join(site.read(cid)) == content
    assert not site.has(cid)
    assert site.mend(cid)
    assert b"".join(FolderStore(tmp_path).read(cid)) == content
