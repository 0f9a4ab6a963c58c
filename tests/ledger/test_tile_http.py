"""The log over HTTP: what is signed for everyone, what was said for its mirrors alone."""

import gzip
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.client import HTTPConnection
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from django.test import Client
from django.utils.module_loading import import_string

from ledger import merkle, tiles
from ledger.checkpoint import Checkpoint, parse_and_verify, unverified
from ledger.cosignature import cosign, cosignatures
from ledger.encoding import log_id
from ledger.errors import NoteRejected, PartyUnreachable
from ledger.hashing import leaf_hash
from ledger.mirroring.access import authorization
from ledger.mirroring.remote_log import RemoteLog
from ledger.note import COSIGNATURE_TYPE, split_note
from ledger.proofs import verify_consistency, verify_inclusion
from ledger.site import log_signer, origin
from ledger.tiles import TileId
from ledger.verifier_key import VerifierKey
from tests.conftest import TEMPLATE, clone_of, connected_to
from tests.ledger import rfc6962
from tests.ledger.serving import served
from tests.ledger.values import signer
from tests.ledger.world import World

BATCHES = (200, 56, 44, 300)  # one checkpoint after each
SIZES = (200, 256, 300, 600)
SIZE = SIZES[-1]
MIRROR, WITNESS = signer(1), signer(2)
MIRROR_KEY = VerifierKey("hospital.example/mirror", MIRROR.public_key)
SPEAKS = "text/plain; charset=utf-8"

WITNESSES = ("alpha.example/witness", "beta.example/witness")
WITNESS_KEYS = [
    VerifierKey(name, WITNESS.public_key, COSIGNATURE_TYPE) for name in WITNESSES
]
COSIGN = """
    INSERT INTO ledger.cosignature (log_id, size, witness, key_id, cosigned_at, line)
    VALUES (%s, %s, %s, %s, %s, %s)
"""


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker) -> Iterator[str]:
    """A database with 600 signed entries, and two statements queued behind them."""
    with clone_of(TEMPLATE) as name:
        with django_db_blocker.unblock(), connected_to(name):
            World(name).sequence(*BATCHES)
            World(name).queue(2)
        yield name


@pytest.fixture
def site(filled: str, django_db_blocker, static_files) -> Iterator[World]:
    """The site whose log this is; nothing here changes it."""
    with django_db_blocker.unblock(), connected_to(filled):
        yield World(filled)


@pytest.fixture
def mirrors(settings, tmp_path: Path) -> Path:
    """The file that says who may copy the log."""
    settings.LEDGER_MIRRORS = tmp_path / "mirrors"
    lines = ["# Who may copy this log.", "", f"  {MIRROR_KEY}  "]
    settings.LEDGER_MIRRORS.write_text("\n".join(lines))
    return tmp_path / "mirrors"


@pytest.fixture
def address(static_files) -> Iterator[str]:
    """The portal's own application behind a real HTTP server: the log's prefix."""
    with served(import_string("portal.wsgi.application")) as url:
        yield f"{url}/ledger"


def get(path: str, **headers: str) -> Any:
    return Client().get(f"/ledger/{path}", headers=headers)


def asked(path: str, **fields: Any) -> str:
    """The pass of a mirror, just now."""
    given = {"origin": origin(), "time": int(time.time()), "path": path}
    who = {"name": MIRROR_KEY.name, "signer": MIRROR}
    return authorization(**{**given, **who, **fields})


def get_as_mirror(path: str, **headers: str) -> Any:
    return get(path, authorization=asked(path), **headers)


def bodies_in(world: World) -> list[bytes]:
    rows = world.rows("SELECT bytes FROM ledger.entry ORDER BY seq")
    return [bytes(data) for (data,) in rows]


def leaves_in(world: World) -> list[bytes]:
    return [leaf_hash(body) for body in bodies_in(world)]


def tiles_of(size: int) -> list[TileId]:
    """Every tile of a tree: floor(size / 256ˡ) hashes on level l, none of them empty."""
    found = []
    for level in range(8):
        full, width = divmod(size // 256**level, 256)
        found += [TileId(level, index) for index in range(full)]
        found += [TileId(level, full, width)] * bool(width)
    return found


def hashes_in(tile: TileId, leaves: Sequence[bytes]) -> bytes:
    """MTH(D[(n · 256 + i) · 256ˡ : (n · 256 + i + 1) · 256ˡ]) for each i."""
    span, first = 256**tile.level, tile.index * 256
    return b"".join(
        rfc6962.tree_hash(leaves[i * span : (i + 1) * span])
        for i in range(first, first + tile.width)
    )


def entries_in(bundle: bytes) -> list[bytes]:
    """Big-endian u16 lengths, each before an entry."""
    found = []
    while bundle:
        end = 2 + int.from_bytes(bundle[:2], "big")
        assert end <= len(bundle)
        found.append(bundle[2:end])
        bundle = bundle[end:]
    return found


def verified(note: str) -> Checkpoint:
    return parse_and_verify(note, origin=origin(), public_key=log_signer().public_key)


def lasts_for_ever(reply: Any, reach: str) -> bool:
    said = [part.strip() for part in reply.headers["Cache-Control"].split(",")]
    ages = [int(part[8:]) for part in said if part.startswith("max-age=")]
    return {reach, "immutable"} <= set(said) and ages[0] > 30 * 86_400


# The checkpoint


def test_an_empty_log_has_no_checkpoint_and_no_tiles(world: World, static_files):
    world.queue(2)
    for path in ("checkpoint", "tile/0/000", "tile/0/000.p/1", "tile/1/000.p/1"):
        reply = get(path)
        assert (reply.status_code, reply.headers["Content-Type"]) == (404, SPEAKS)
    assert get_as_log("tile/entries/000.p/1").status_code == 404


def get_as_log(path: str) -> Any:
    own = asked(path, name=origin(), signer=log_signer())
    return get(path, authorization=own)


def test_the_checkpoint_is_the_signed_root_of_all_entries(site: World):
    reply = get("checkpoint")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == SPEAKS
    found = verified(reply.content.decode())
    assert found.size == SIZE
    assert found.root == rfc6962.tree_hash(leaves_in(site))


def test_the_checkpoint_is_not_kept_beyond_seconds(site: World):
    said = get("checkpoint").headers["Cache-Control"]
    assert "immutable" not in said
    assert int(said.partition("max-age=")[2]) <= 5


def test_without_witnesses_the_log_alone_has_signed(site: World):
    _, signatures = split_note(get("checkpoint").content.decode())
    assert [found.name for found in signatures] == [origin()]


def keep_cosignature(world: World, size: int, key: VerifierKey) -> str:
    """Let a witness's word about a checkpoint be kept as the sequencer's login does."""
    ((note,),) = world.rows(f"SELECT note FROM ledger.checkpoint WHERE size = {size}")
    text, _ = split_note(note)
    at = 1_790_000_000 + size
    line = cosign(text, name=key.name, signer=WITNESS, time=at)
    values = [log_id(origin()), size, key.name, key.key_id, at, line]
    with world.connect("sequencer") as login:
        login.execute(COSIGN, values)
    return line


def test_what_witnesses_say_of_a_checkpoint_is_served_with_it(world: World):
    world.sequence(3, 2)
    lines = [keep_cosignature(world, 5, key) for key in WITNESS_KEYS[::-1]]
    keep_cosignature(world, 3, WITNESS_KEYS[0])
    note = get("checkpoint").content.decode()
    assert verified(note).size == 5
    said = cosignatures(note, WITNESS_KEYS)
    assert [each.line for each in said] == sorted(lines)
    assert {each.time for each in said} == {1_790_000_005}


def test_a_checkpoint_without_cosignatures_borrows_none_from_an_older_one(
    world: World,
):
    world.sequence(3)
    keep_cosignature(world, 3, WITNESS_KEYS[0])
    world.sequence(1)
    note = get("checkpoint").content.decode()
    assert verified(note).size == 4
    assert not cosignatures(note, WITNESS_KEYS)


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/entries/000"])
def test_nothing_is_to_be_posted_here(site: World, path):
    assert Client().post(f"/ledger/{path}").status_code == 405
    assert Client().delete(f"/ledger/{path}").status_code == 405


# The tiles


@pytest.mark.parametrize("size", SIZES)
def test_every_tile_of_every_signed_size_is_served(site: World, size):
    leaves = leaves_in(site)[:size]
    for tile in tiles_of(size):
        reply = get(f"tile/{tile.level}/{tile.path}")
        assert reply.status_code == 200, tile
        assert reply.content == hashes_in(tile, leaves), tile
        assert reply.headers["Content-Type"] == "application/octet-stream"
        assert lasts_for_ever(reply, "public")


def test_a_partial_tile_of_any_width_is_the_start_of_the_full_one(site: World):
    full = get("tile/0/001").content
    assert len(full) == 8_192
    for width in (1, 2, 127, 128, 254, 255):
        assert get(f"tile/0/001.p/{width}").content == full[: width * 32]


def test_the_right_edge_alone_leads_to_the_signed_root(site: World):
    edge = [TileId(0, 2, 88), TileId(1, 0, 2)]
    assert edge == list(tiles.partial_tiles(SIZE))
    read = {t: get(f"tile/{t.level}/{t.path}").content for t in edge}
    signed = verified(get("checkpoint").content.decode())
    assert tiles.root(SIZE, lambda wanted: {t: read[t] for t in wanted}) == signed.root


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/0/002.p/88"])
def test_whoever_asks_for_the_head_alone_gets_no_body(site: World, path):
    head, whole = Client().head(f"/ledger/{path}"), get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.content))


def test_a_real_server_says_the_same(site: World, mirrors: Path, address: str):
    wanted = ["checkpoint", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"]
    wanted += ["tile/entries/000", "tile/entries/002.p/88", "tile/0/003"]
    for path in wanted:
        status, kind, body = raw_get(address, path, Authorization=asked(path))
        said = get_as_mirror(path)
        assert status == said.status_code
        assert kind == said.headers["Content-Type"]
        assert body == said.content


def raw_get(address: str, path: str, **headers: str) -> tuple[int, str | None, bytes]:
    """Ask for a path as it is written: a client would tidy up its dots."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        connection.request("GET", f"/ledger/{path}", headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.getheader("Content-Type"), reply.read()
    finally:
        connection.close()


# Addresses where nothing is

NO_PATHS = [
    # beyond what is signed: 600 entries are 2 full tiles and 88 hashes
    "002",
    "002.p/89",
    "002.p/255",
    "003",
    "003.p/1",
    "999",
    "x001/000",
    "x999/x999/x999/x999/x999/x999/999",
    "x999/x999/x999/x999/x999/x999/x999/999",
    "x999/" * 2_000 + "999",
    "9" * 30,
    "9" * 5_000,
    # no width of a partial tile
    "000.p/0",
    "000.p/256",
    "000.p/257",
    "000.p/00",
    "000.p/05",
    "000.p/-1",
    "000.p/+5",
    "000.p/5.0",
    "000.p/1e1",
    "000.p/ 5",
    "000.p/5 ",
    "000.p/5\n",
    "000.p/5/",
    "000.p/5/5",
    "000.p/5.p/5",
    "000.p/٥",
    "000.p/５",
    "000.p/²",
    "000.p/x",
    "000.p/" + "9" * 30,
    "000.p/" + "9" * 5_000,
    "000.p/",
    "000.p",
    "000.P/5",
    "000p/5",
    "000/p/5",
    ".p/5",
    # another spelling
    "0",
    "00",
    "0000",
    "000/",
    "/000",
    "000/000",
    "001/000",
    "x000/000",
    "x000/x001/000",
    "x001",
    "x001/",
    "x001/x000",
    "X001/000",
    "x1/000",
    "x0001/000",
    "-01",
    "+00",
    "0x0",
    "0_0",
    "٠٠٠",
    "００0",
    " 000",
    "000 ",
    "000\n",
    "000\r",
    "000\x00",
    "000?",
    "000;",
    "000.json",
    "000%30",
    # elsewhere
    "..",
    "../000",
    "../../checkpoint",
    "000/..",
    "./000",
    "x001/../000",
    "..%2F000",
    "%2e%2e/000",
    "/etc/passwd",
    "entries/000",
    "\ud800",
    "checkpoint",
    "nothing",
]
NO_LEVELS = [
    "8",
    "63",
    "64",
    "255",
    "00",
    "01",
    "-1",
    "+0",
    "0.0",
    "1e0",
    " 0",
    "0 ",
    "0\n",
    "0\x00",
    "٠",
    "０",
    "²",
    "x",
    "data",
    "..",
    ".",
    "9" * 30,
    "9" * 5_000,
]
NO_TILES = [
    *(f"tile/0/{path}" for path in NO_PATHS),
    *(f"tile/{level}/000.p/1" for level in NO_LEVELS),
    # levels that have no hashes yet
    "tile/1/000",
    "tile/1/000.p/3",
    "tile/1/001.p/1",
    *(f"tile/{level}/000" for level in range(2, 8)),
    *(f"tile/{level}/000.p/1" for level in range(2, 8)),
    # not even the form of an address
    "tile",
    "tile/",
    "tile/0",
    "tile/0/",
    "tile//000",
    "tile/entries",
    "tile/entries/",
    "checkpoint/",
    "Checkpoint",
]
# A note names no control character, so no pass can ask for it.
ASKABLE = [path for path in NO_PATHS if not set(path) & set("\n\r\0\ud800")]


def named(path: str) -> str:
    """A name for a test, unlike all others."""
    return f"{ascii(path)[1:-1][:40]}({len(path)})"


def spelled(path: str) -> str:
    """The path as bytes of an address: what is a percent sign stays one."""
    return quote(path.encode(errors="surrogatepass"), safe="/%+;=&")


@pytest.mark.parametrize("path", NO_TILES, ids=named)
def test_an_address_where_nothing_is_says_so(site: World, path):
    reply = get(spelled(path))
    assert reply.status_code == 404
    assert "immutable" not in reply.headers.get("Cache-Control", "")


@pytest.mark.parametrize("path", ASKABLE, ids=named)
def test_no_entries_are_there_for_a_mirror_either(site: World, mirrors: Path, path):
    address = f"tile/entries/{spelled(path)}"
    reply = get(address, authorization=asked(unquote(address)))
    assert reply.status_code == 404
    assert "immutable" not in reply.headers.get("Cache-Control", "")


def test_a_real_server_finds_nothing_there_either(site: World, address: str):
    for path in NO_TILES:
        if len(path) < 1_000:
            status, _, _ = raw_get(address, spelled(path))
            assert status == 404, path


# The entries


def test_an_authorised_mirror_gets_the_bytes_that_were_hashed(
    site: World, mirrors: Path
):
    bodies = bodies_in(site)
    for path, start, end in [
        ("000", 0, 256),
        ("001", 256, 512),
        ("002.p/88", 512, 600),
        ("000.p/1", 0, 1),
        ("000.p/200", 0, 200),
        ("001.p/44", 256, 300),
    ]:
        reply = get_as_mirror(f"tile/entries/{path}")
        assert reply.status_code == 200
        assert reply.headers["Content-Type"] == "application/octet-stream"
        assert lasts_for_ever(reply, "private")
        assert entries_in(reply.content) == bodies[start:end]


def test_each_entry_of_a_bundle_hashes_to_its_place_in_the_tile(
    site: World, mirrors: Path
):
    for path in ("000", "001", "002.p/88"):
        found = entries_in(get_as_mirror(f"tile/entries/{path}").content)
        hashes = b"".join(leaf_hash(entry) for entry in found)
        assert hashes == get(f"tile/0/{path}").content


def test_the_log_itself_may_read_its_entries_back(site: World):
    assert get_as_log("tile/entries/000").status_code == 200


def test_entries_travel_compressed_to_who_takes_them_so(site: World, mirrors: Path):
    path = "tile/entries/000"
    plain = get_as_mirror(path)
    packed = get_as_mirror(path, accept_encoding="gzip")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.content) < len(plain.content)
    assert gzip.decompress(packed.content) == plain.content


def other_time(seconds: int) -> dict[str, Any]:
    return {"time": int(time.time()) + seconds}


STRANGERS = {
    "an unknown key": lambda: asked(WANTED, name="x.example", signer=signer(9)),
    "an unknown key in a known name": lambda: asked(WANTED, signer=signer(9)),
    "a known key in another name": lambda: asked(WANTED, name="x.example"),
    "the log's name with another key": lambda: asked(WANTED, name=origin()),
    "another bundle": lambda: asked("tile/entries/001"),
    "a part of the bundle": lambda: asked("tile/entries/000.p/5"),
    "the tile": lambda: asked("tile/0/000"),
    "the whole address": lambda: asked(f"ledger/{WANTED}"),
    "another log": lambda: asked(WANTED, origin="other.example/ledger/2026"),
    "an old time": lambda: asked(WANTED, **other_time(-400)),
    "a future time": lambda: asked(WANTED, **other_time(400)),
    "no pass": lambda: "",
    "half a pass": lambda: asked(WANTED)[:-40],
    "a pass in another scheme": lambda: asked(WANTED).replace("Signed-Note", "Basic"),
    "a password": lambda: "Basic dXNlcjpwYXNzd29yZA==",
    "no base64": lambda: "Signed-Note !!!!",
    "no text": lambda: "Signed-Note //////79",
    "letters beyond ASCII": lambda: "Signed-Note é",
}
WANTED = "tile/entries/000"


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_gets_no_entries(site: World, mirrors: Path, stranger):
    reply = get(WANTED, authorization=STRANGERS[stranger]())
    assert reply.status_code == 403
    assert reply.headers["Content-Type"] == SPEAKS
    assert reply.content == b"Entries are served to this log's mirrors alone.\n"
    assert "immutable" not in reply.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["003", "000.p/0", "nothing", "x999/999"])
def test_a_stranger_is_not_told_what_is_there(site: World, mirrors: Path, path):
    assert get(f"tile/entries/{path}").status_code == 403


def test_a_mirror_whose_key_is_taken_out_is_a_stranger(site: World, mirrors: Path):
    assert get_as_mirror(WANTED).status_code == 200
    mirrors.write_text(f"# {MIRROR_KEY}\n")
    assert get_as_mirror(WANTED).status_code == 403
    mirrors.unlink()
    assert get_as_mirror(WANTED).status_code == 403
    assert get_as_log(WANTED).status_code == 200


def test_a_misspelled_mirror_lets_nobody_else_in_and_keeps_no_log_out(
    site: World, mirrors: Path
):
    mirrors.write_text(f"{MIRROR_KEY}\nhospital.example/mirror+nonsense\n")
    assert get(WANTED).status_code == 403
    assert get_as_log(WANTED).status_code == 200


# What is not signed


def test_what_is_queued_is_not_served(site: World, mirrors: Path):
    assert site.count("inbox") == 2
    for path in ("002.p/89", "002.p/90"):
        assert get(f"tile/0/{path}").status_code == 404
        assert get_as_mirror(f"tile/entries/{path}").status_code == 404


def test_what_is_entered_is_not_served_before_it_is_signed(world: World, mirrors: Path):
    world.sequence(254)
    beyond = ("000.p/255", "000", "001.p/1", "001.p/3")
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        world.queue(5)
        sequencer.append_batch()
        assert world.count("entry") == 259
        assert verified(get("checkpoint").content.decode()).size == 254
        for path in beyond:
            assert get(f"tile/0/{path}").status_code == 404
            assert get_as_mirror(f"tile/entries/{path}").status_code == 404
        assert get("tile/1/000.p/1").status_code == 404
        sequencer.certify()
    for path in beyond:
        assert get(f"tile/0/{path}").status_code == 200
    assert get("tile/1/000.p/1").status_code == 200
    found = entries_in(get_as_mirror("tile/entries/001.p/3").content)
    assert found == bodies_in(world)[256:]


def test_a_log_that_lost_an_entry_serves_no_bundle_without_it(
    world: World, mirrors: Path, address: str
):
    world.sequence(5)
    path = "tile/entries/000.p/5"
    assert raw_get(address, path, Authorization=asked(path))[0] == 200
    world.attack("DELETE FROM ledger.entry WHERE seq = 2")
    assert raw_get(address, path, Authorization=asked(path))[0] >= 500


# A stranger's walk


def known_to_all() -> VerifierKey:
    """The log's name with its public key: all that a stranger needs."""
    return VerifierKey(origin(), log_signer().public_key)


def test_every_proof_comes_from_what_is_served_alone(site: World, address: str):
    """The leaf hashes are those of entries that the reader holds."""
    leaves = leaves_in(site)
    remote = RemoteLog(key=known_to_all(), url=address)
    head, _ = remote.head()
    assert tiles.root(head.size, remote.read) == head.root
    for index in (0, 1, 199, 200, 255, 256, 299, 511, 512, 598, 599):
        verify_inclusion(
            index=index,
            size=head.size,
            leaf_hash=leaves[index],
            path=tiles.inclusion_path(index, head.size, remote.read),
            root=head.root,
        )


def test_what_a_stranger_kept_is_continued_by_what_is_served_later(
    world: World, address: str
):
    kept: list[Checkpoint] = []
    remote = RemoteLog(key=known_to_all(), url=f"{address}/")
    for count in (1, 6, 249, 1, 143):
        world.sequence(count)
        head, note = remote.head()
        assert unverified(note) == head
        kept.append(head)
    assert [old.size for old in kept] == [1, 7, 256, 257, 400]
    for old, new in combinations_with_replacement(kept, 2):
        verify_consistency(
            old_size=old.size,
            new_size=new.size,
            old_root=old.root,
            new_root=new.root,
            path=tiles.consistency_path(old.size, new.size, remote.read),
        )


def test_a_stranger_without_a_pass_reads_no_entries(site: World, address: str):
    remote = RemoteLog(key=known_to_all(), url=address)
    head, _ = remote.head()
    hashes = leaves_in(site)
    everywhere = range(1, len(hashes) + 1)
    promised = remote.promised(tiles.TiledTree(), head, roots_at=everywhere)
    assert promised.roots[len(hashes)] == merkle.root(hashes)
    with pytest.raises(PartyUnreachable, match="answers 403: Entries are served"):
        next(iter(remote.entries(promised)))


def test_a_stranger_who_expects_another_key_is_told(site: World, address: str):
    other = replace(known_to_all(), public_key=signer(9).public_key)
    with pytest.raises(NoteRejected, match="not signed by"):
        RemoteLog(key=other, url=address).head()
