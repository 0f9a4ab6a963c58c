"""Rewrites a log as whoever holds the database's superuser can, with or without its key."""

from django.conf import settings

from ledger.checkpoint import Checkpoint, sign
from ledger.hashing import leaf_hash
from ledger.models import Checkpoint as CheckpointRow
from ledger.signing import LogSigner
from ledger.site import origin
from ledger.tiles import TiledTree
from tests.ledger.world import World


def change_tenant(seq: int) -> str:
    """A body changed, with the columns and its hash following by themselves."""
    return (
        "UPDATE ledger.entry SET bytes = overlay(bytes placing int4send(99) from 87)"
        f" WHERE seq = {seq}"
    )


def seal_anew(world: World, first: int) -> list[bytes]:
    """Change an entry, then rewrite every one after it so that the chain fits.

    Returns:
        The new leaf hashes, of the whole log.
    """
    world.attack(change_tenant(first))
    rows = world.rows("SELECT bytes FROM ledger.entry ORDER BY seq")
    bodies = [bytes(data) for (data,) in rows]
    hashes = [leaf_hash(body) for body in bodies[: first + 1]]
    for seq in range(first + 1, len(bodies)):
        body = bodies[seq][:28] + hashes[-1] + bodies[seq][60:]
        hashes.append(leaf_hash(body))
        world.attack(
            f"UPDATE ledger.entry SET bytes = %(body)s WHERE seq = {seq}", body=body
        )
    return hashes


def forge_guard() -> None:
    """The attacker finds the file outside the database as well."""
    latest = CheckpointRow.objects.order_by("-size").first()
    assert latest
    settings.LEDGER_HEAD.write_text(latest.note)


def sign_anew(world: World, hashes: list[bytes], signer: LogSigner) -> None:
    """Make tiles and checkpoints fit a rewritten log; the cosignatures must go."""
    tree, full = TiledTree(), []
    sizes = [row[0] for row in world.rows("SELECT size FROM ledger.checkpoint")]
    world.attack("DELETE FROM ledger.cosignature")
    for hashed in hashes:
        full += tree.append(hashed)
        if tree.size in sizes:
            root = tree.root()
            world.attack(
                "UPDATE ledger.checkpoint SET root = %(root)s, note = %(note)s"
                f" WHERE size = {tree.size}",
                root=root,
                note=sign(Checkpoint(origin(), tree.size, root), signer),
            )
    for tile in full:
        world.attack(
            "UPDATE ledger.tile SET hashes = %(hashes)s, root = %(root)s"
            f" WHERE level = {tile.level} AND index = {tile.index}",
            hashes=tile.hashes,
            root=tile.root,
        )


def roll_back(world: World, size: int) -> None:
    """Make the database what it was when it held so many entries, as a restore does."""
    world.attack(
        f"DELETE FROM ledger.cosignature WHERE size > {size}",
        f"DELETE FROM ledger.checkpoint WHERE size > {size}",
        f"DELETE FROM ledger.tile WHERE (index + 1) << (8 * (level + 1)) > {size}",
        f"DELETE FROM ledger.entry WHERE seq >= {size}",
    )
