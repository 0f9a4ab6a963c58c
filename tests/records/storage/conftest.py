"""The stores under test, each with a hand on what lies beneath it."""

import pytest
from multiformats import multibase

from records.storage.content_store import ContentStore
from records.storage.folder import FolderStore
from records.storage.ipfs import IpfsStore
from records.storage.peered import PeeredStore
from tests.records.storage.ipfs_daemon import IpfsDaemon, install, missing_tools

NOWHERE = "/ip4/127.0.0.1/tcp/9"


class StoreUnderTest:
    """A store whose block files the test can spoil; made whole again afterwards."""

    def __init__(self, store):
        self.store = store
        self._originals = {}

    def spoil(self, cid):
        """Flip a bit in the middle of a block."""
        for path in self._files_to_change(cid):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)

    def swell(self, cid):
        """Put far too much in a block's place."""
        for path in self._files_to_change(cid):
            path.write_bytes(bytes(3 * 1_048_576))

    def lose(self, cid):
        """Delete a block behind the store's back."""
        for path in self._files_to_change(cid):
            path.unlink()

    def make_whole(self):
        # A node that many tests share cannot collect while a pinned block is damaged.
        for path, data in self._originals.items():
            path.write_bytes(data)

    def block_files(self, cid):
        """Return where the store keeps a block now."""
        raise NotImplementedError

    def _files_to_change(self, cid):
        paths = self.block_files(cid)
        assert paths
        self._originals |= {path: path.read_bytes() for path in paths}
        return paths


class FolderUnderTest(StoreUnderTest):
    def __init__(self, root):
        super().__init__(FolderStore(root))
        self.root = root

    def block_files(self, cid):
        return list(self.root.glob(f"documents/*/*/{cid}"))

    def any_files(self):
        return [path for path in self.root.rglob("*") if path.is_file()]


class PeeredUnderTest(FolderUnderTest):
    """A folder with two peers: one has nothing, one is never there."""

    def __init__(self, root):
        super().__init__(root)
        peers: list[ContentStore] = [
            FolderStore(root.with_name("peer")),
            IpfsStore(NOWHERE),
        ]
        self.store = PeeredStore(self.store, peers)


class IpfsUnderTest(StoreUnderTest):
    def __init__(self, daemon):
        super().__init__(IpfsStore(daemon.api, patience=1))
        self._blocks = daemon.repo / "blocks"

    def block_files(self, cid):
        # js-ipfs files a block under its multihash, in base32 upper case.
        name = multibase.encode(cid.digest, "base32upper")[1:]
        return list(self._blocks.glob(f"*/{name}.data"))


@pytest.fixture(scope="session")
def ipfs_packages():
    if missing := missing_tools():
        pytest.skip(f"The IPFS node for tests needs {' and '.join(missing)}.")
    return install()


@pytest.fixture(scope="session")
def ipfs_daemon(ipfs_packages, tmp_path_factory):
    with IpfsDaemon(ipfs_packages, tmp_path_factory.mktemp("ipfs")) as daemon:
        yield daemon


@pytest.fixture(
    params=["folder", "peered", pytest.param("ipfs", marks=pytest.mark.ipfs)]
)
def kept(request, tmp_path):
    """One store after the other."""
    store: StoreUnderTest
    match request.param:
        case "folder":
            store = FolderUnderTest(tmp_path / "blocks")
        case "peered":
            store = PeeredUnderTest(tmp_path / "blocks")
        case _:
            store = IpfsUnderTest(request.getfixturevalue("ipfs_daemon"))
    yield store
    store.make_whole()


@pytest.fixture
def folder(tmp_path):
    return FolderUnderTest(tmp_path / "blocks")
