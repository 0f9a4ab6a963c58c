"""A log with real logins, where a commit is a commit."""

import pytest

from tests.ledger.world import World


@pytest.fixture
def world(committed_db: str) -> World:
    """An empty log on a database of its own, whose author is known there."""
    world = World(committed_db)
    world.introduce_author()
    return world
