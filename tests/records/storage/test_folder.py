"""What is peculiar to blocks in a folder."""

import os
import time

import pytest

from records.storage.errors import StoreUnavailable
from records.storage.folder import FolderStore
from records.storage.unixfs import CHUNK_SIZE


def test_the_folders_are_private(folder):
    folder.store.put([b"kidney"])
    assert all(
        path.stat().st_mode & 0o077 == 0
        for path in [folder.root, *folder.root.rglob("*")]
        if path.is_dir()
    )


def test_nothing_is_left_unfinished(folder):
    cid = folder.store.put([bytes(CHUNK_SIZE + 1)])
    folder.store.remove(cid)
    assert folder.any_files() == []
    assert list((folder.root / "unfinished").iterdir()) == []


def test_a_full_disk_is_said_in_a_sentence(folder, monkeypatch):
    def full(_descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreUnavailable, match="is full"):
        folder.store.put([b"kidney"])
    assert folder.any_files() == []


def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        FolderStore(tmp_path / "file")


def test_only_what_was_long_abandoned_is_cleared(folder):
    fresh = folder.root / "unfinished" / "fresh"
    old = folder.root / "unfinished" / "old"
    for path in (fresh, old):
        path.mkdir()
        (path / "block").write_bytes(b"half")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    folder.store.collect()
    assert fresh.exists()
    assert not old.exists()


def test_two_stores_in_one_folder_are_one(folder):
    cid = folder.store.put([b"kidney"])
    again = FolderStore(folder.root)
    assert again.has(cid)
    assert b"".join(again.read(cid)) == b"kidney"
