"""The store fails in the middle of a doctor's upload: a sentence, and nothing is left."""

import errno
import os

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from multiformats import CID

from records.models import Document
from records.storage import folder
from records.storage.cids import parse_cid
from records.storage.ipfs import IpfsStore
from tests.architecture.snapshots import snapshot
from tests.cast import picture
from tests.diagnosis.test_uploads import said_at_the_field
from tests.records.storage.ipfs_daemon import IpfsDaemon

IMAGE = picture(side=1_500)
"""Noise does not shrink: three leaves and their root."""
FLUSHES = 7
"""Four blocks, then the names in three folders."""


@pytest.fixture
def upload(cast, sign_in):
    client = sign_in("bea")
    address = reverse("upload", args=[cast.child.pk])
    client.get(address)

    def send():
        return client.post(address, {"file": SimpleUploadedFile("scan.png", IMAGE)})

    return send


def files():
    return {path for path in settings.BLOCKS.rglob("*") if path.is_file()}


def unfinished():
    return list((settings.BLOCKS / "unfinished").iterdir())


def full_after(times):
    """Make a disk that is full once it was flushed so often."""
    flush, flushed = os.fsync, 0

    def fsync(descriptor):
        nonlocal flushed
        flushed += 1
        if flushed > times:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    return fsync


def write_half(path, data):
    path.write_bytes(bytes(data[: len(data) // 2]))
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_upload_flushes_so_often(upload, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full_after(FLUSHES))
        assert upload().status_code == 302


@pytest.mark.parametrize("times", range(FLUSHES))
def test_a_store_that_fills_up_in_the_middle(upload, monkeypatch, times):
    rows, blocks = snapshot(), files()
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full_after(times))
        response = upload()
    assert "The store of documents is full. Try again." in said_at_the_field(
        response.text
    )
    assert (snapshot(), files(), unfinished()) == (rows, blocks, [])
    assert upload().status_code == 302


def test_a_block_that_is_half_written(upload, monkeypatch):
    rows, blocks = snapshot(), files()
    with monkeypatch.context() as patched:
        patched.setattr(folder, "_write", write_half)
        response = upload()
    assert "The store of documents is full. Try again." in said_at_the_field(
        response.text
    )
    assert (snapshot(), files(), unfinished()) == (rows, blocks, [])


@pytest.mark.ipfs
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_node_that_goes_down_in_the_middle(
    upload, ipfs_packages, tmp_path, monkeypatch
):
    with IpfsDaemon(ipfs_packages, tmp_path) as daemon:
        store = IpfsStore(daemon.api, patience=2)
        monkeypatch.setattr("records.actions.documents.content_store", lambda: store)
        send = store._send_block
        sent: list[CID] = []

        def send_then_stop(cid, data):
            if sent:
                daemon.stop()
            send(cid, data)
            sent.append(cid)

        rows = snapshot()
        with monkeypatch.context() as patched:
            patched.setattr(store, "_send_block", send_then_stop)
            said = said_at_the_field(upload().text)
        assert "The image was not kept: The IPFS node at" in said
        assert "does not answer. Try again." in said
        assert len(sent) == 1
        assert snapshot() == rows

        daemon.start()
        store = IpfsStore(daemon.api, patience=2)
        assert pinned(store) == set()
        assert upload().status_code == 302
        kept = Document.objects.latest("created_at")
        assert pinned(store) == {parse_cid(kept.cid)}


def pinned(store):
    keys = store._client.pin.ls(type="recursive")["Keys"]
    return {CID.decode(key).set(base="base32") for key in keys}
