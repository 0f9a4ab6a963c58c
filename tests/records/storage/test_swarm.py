"""Three institutions' nodes in a private swarm, as in figure 7 of the paper.

The swarm is private for real: js-ipfs 0.66.1 has no switch for a swarm key, but the
libp2p beneath it takes one, so a small script starts its daemon with the key.
"""

import secrets
import time
from contextlib import ExitStack
from itertools import combinations

import ipfshttpclient
import pytest
from ipfshttpclient.exceptions import ErrorResponse

from records.encryption.envelope import new_data_key, open_sealed, seal
from records.storage.errors import BlockMissing
from records.storage.folder import FolderStore
from records.storage.ipfs import IpfsStore
from records.storage.peered import PeeredStore
from records.storage.unixfs import CHUNK_SIZE
from tests.records.storage.conftest import IpfsUnderTest
from tests.records.storage.ipfs_daemon import IpfsDaemon, new_swarm_key

pytestmark = [pytest.mark.ipfs, pytest.mark.slow, pytest.mark.timeout(1200)]

DEADLINE_SECONDS = 60
RECORD, DATA_KEY = bytes(16), new_data_key()


@pytest.fixture
def node(ipfs_packages, tmp_path):
    """Start nodes, one after the other."""
    with ExitStack() as running:

        def start(name, swarm_key):
            repo = tmp_path / name
            repo.mkdir()
            daemon = IpfsDaemon(ipfs_packages, repo, swarm_key=swarm_key)
            return running.enter_context(daemon)

        yield start


@pytest.fixture
def swarm(node):
    """The nodes of the hospital, the patient and the diagnosis service."""
    key = new_swarm_key()
    nodes = [node(name, key) for name in ("hospital", "patient", "service")]
    for one, other in combinations(nodes, 2):
        connect(one, other)
    for each in nodes:
        wait_until(lambda each=each: len(neighbours(each)) == 2)
    return nodes


def client(daemon):
    return ipfshttpclient.Client(daemon.api)


def connect(daemon, other):
    address = client(other).id()["Addresses"][0]
    # Not swarm.connect(): it sends each letter of the address as an address, too.
    client(daemon)._client.request("/swarm/connect", (address,))


def neighbours(daemon):
    return {peer["Peer"] for peer in client(daemon).swarm.peers()["Peers"] or ()}


def wait_until(holds):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "It did not come to pass in time."
        time.sleep(0.1)


def store(daemon):
    return IpfsStore(daemon.api, patience=DEADLINE_SECONDS)


def opened(blocks):
    return b"".join(open_sealed(blocks, data_key=DATA_KEY, record_id=RECORD))


def put_sealed(daemon, content):
    sealed = seal([content], data_key=DATA_KEY, record_id=RECORD)
    return store(daemon).put(sealed)


def test_a_document_outlives_the_node_it_was_put_in(swarm, tmp_path):
    hospital, patient, service = swarm
    content = secrets.token_bytes(2 * CHUNK_SIZE + 99)
    cid = put_sealed(hospital, content)
    assert not IpfsUnderTest(patient).block_files(cid)
    assert opened(store(patient).read(cid)) == content

    hospital.kill()
    assert opened(store(patient).read(cid)) == content
    assert not IpfsUnderTest(service).block_files(cid)
    assert opened(store(service).read(cid)) == content

    # What the hospital lost with its node is put again from the others.
    own = FolderStore(tmp_path / "blocks")
    assert PeeredStore(own, [store(hospital), store(service)]).mend(cid)
    assert opened(own.read(cid)) == content


def test_a_node_without_the_key_is_kept_out(node):
    hospital = node("hospital", new_swarm_key())
    stranger = node("stranger", new_swarm_key())
    cid = put_sealed(hospital, b"kidney")
    with pytest.raises(ErrorResponse):
        connect(stranger, hospital)
    assert neighbours(stranger) == neighbours(hospital) == set()
    with pytest.raises(BlockMissing):
        list(IpfsStore(stranger.api, patience=2).read(cid))
