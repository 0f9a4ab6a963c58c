"""What the database itself refuses, whoever asks."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from psycopg import errors

from ledger.encoding import Entry, encode_entry, genesis_hash, log_id
from ledger.hashing import leaf_hash
from ledger.site import origin
from tests.ledger.values import Author, entries, flip, hash32
from tests.ledger.world import World

INSERT = "INSERT INTO ledger.entry (seq, bytes) VALUES (%s, %s)"
TABLES = ["entry", "checkpoint", "tile", "cosignature", "witness_evidence", "anchor"]
MADE_OF_THE_BYTES = (
    "leaf_hash", "previous_hash", "ts_ms", "statement_id", "tenant", "kind", "cid",
)  # fmt: skip


def first_entry(**fields: Any) -> Entry:
    alice = Author(origin=origin())
    return alice.entry(0, genesis_hash(origin()), **fields)


def row_of(entry: Entry) -> list[Any]:
    return [entry.seq, encode_entry(entry)]


@pytest.fixture
def login(world: World):
    with world.connect("sequencer") as login:
        yield login


def test_an_entry_as_encoded_is_taken_with_its_hash(world: World, login):
    entry = first_entry()
    login.execute(INSERT, row_of(entry))
    stored = login.execute("SELECT leaf_hash FROM ledger.entry").fetchone()[0]
    assert stored == leaf_hash(encode_entry(entry))


@given(entry=entries)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_columns_are_the_bytes_own(world: World, entry: Entry):
    entry = replace(entry, log_id=log_id(origin()))
    with world.superuser() as login, login.transaction(force_rollback=True):
        login.execute("ALTER TABLE ledger.entry DISABLE TRIGGER entry_continues_chain")
        login.execute(INSERT, row_of(entry))
        columns = ", ".join(MADE_OF_THE_BYTES)
        stored = login.execute(f"SELECT {columns} FROM ledger.entry").fetchone()
    statement = entry.statement
    assert stored == (
        leaf_hash(encode_entry(entry)),
        entry.previous_hash,
        entry.ts_ms,
        statement.statement_id,
        statement.tenant,
        statement.kind,
        statement.cid,
    )


@pytest.mark.parametrize("column", MADE_OF_THE_BYTES)
def test_a_column_cannot_be_written_at_all(login, column: str):
    with pytest.raises(errors.DatabaseError) as refused:
        login.execute(
            f"INSERT INTO ledger.entry (seq, bytes, {column}) SELECT %s, %s, NULL",
            row_of(first_entry()),
        )
    assert "generated column" in str(refused.value)


def test_a_number_that_disagrees_with_the_bytes_is_refused(login):
    other = Author(origin=origin()).entry(1, genesis_hash(origin()))
    row = [0, encode_entry(other)]
    with pytest.raises(errors.CheckViolation, match="entry_seq"):
        login.execute(INSERT, row)


def test_bytes_that_are_no_entry_of_version_1_are_refused(login):
    data = encode_entry(first_entry())
    length_of_statement, length_of_cid, algorithm, length_of_signature = (
        69, 156, len(data) - 67, len(data) - 65
    )  # fmt: skip
    changed = [
        flip(data, at * 8)
        for at in (
            0, 3, length_of_statement, length_of_cid, algorithm, length_of_signature,
        )
    ]  # fmt: skip
    longer = [data + tail for tail in (b"\x00", bytes(100), bytes(70_000))]
    shorter = [data[:length] for length in (0, 4, 100, 321, len(data) - 1)]
    for other in changed + longer + shorter:
        row = [0, other]
        with pytest.raises((errors.DataError, errors.CheckViolation)):
            login.execute(INSERT, row)


def test_an_entry_of_another_log_is_refused(login):
    entry = Author(origin="other.example/log").entry(0, genesis_hash(origin()))
    with pytest.raises(errors.CheckViolation, match="entry_of_this_log"):
        login.execute(INSERT, row_of(entry))


def test_the_first_entry_names_the_origin(login):
    entry = Author(origin=origin()).entry(0, genesis_hash("other.example/log"))
    with pytest.raises(errors.IntegrityError, match="does not name the hash"):
        login.execute(INSERT, row_of(entry))


def test_a_gap_a_fork_and_a_step_back_in_time_are_refused(world: World, login):
    world.sequence(3)
    alice = Author(origin=origin())
    last = login.execute("SELECT leaf_hash FROM ledger.entry WHERE seq = 2")
    last = last.fetchone()[0]
    with pytest.raises(errors.IntegrityError, match="Entry 4 cannot follow entry 2"):
        login.execute(INSERT, row_of(alice.entry(4, last)))
    with pytest.raises(errors.UniqueViolation, match="entry_pkey"):
        login.execute(INSERT, row_of(alice.entry(2, last)))
    with pytest.raises(errors.IntegrityError, match="Entry 3 does not name"):
        login.execute(INSERT, row_of(alice.entry(3, hash32("fork"))))
    with pytest.raises(errors.IntegrityError, match="Entry 3 is older"):
        login.execute(INSERT, row_of(alice.entry(3, last)))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["web", "sequencer"])
def test_neither_login_may_change_what_is_on_the_log(world: World, table, role):
    world.sequence(2)
    with world.connect(role) as login:
        for change in changes(table):
            with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
                login.execute(change)


@pytest.mark.parametrize("table", TABLES)
def test_triggers_refuse_the_owner_even_as_a_replica(world: World, table):
    world.sequence(2)
    with world.connect("owner") as login:
        for change in changes(table):
            with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
                login.execute(change)
    with world.superuser() as superuser:
        superuser.execute("SET session_replication_role = replica")
        for change in changes(table):
            with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
                superuser.execute(change)


def test_every_trigger_fires_always(world: World):
    fires = world.rows(
        "SELECT relname, tgname, tgenabled FROM pg_trigger"
        " JOIN pg_class ON pg_class.oid = tgrelid"
        " WHERE relnamespace = 'ledger'::regnamespace AND NOT tgisinternal"
        " ORDER BY tgname"
    )
    assert fires == [
        ("anchor", "anchor_is_append_only", "A"),
        ("checkpoint", "checkpoint_is_append_only", "A"),
        ("cosignature", "cosignature_is_append_only", "A"),
        ("entry", "entry_continues_chain", "A"),
        ("entry", "entry_is_append_only", "A"),
        ("refused", "refused_is_append_only", "A"),
        ("tile", "tile_is_append_only", "A"),
        ("witness_evidence", "witness_evidence_is_append_only", "A"),
        ("witness_state", "witness_state_is_kept", "A"),
        ("witness_state", "witness_state_never_shrinks", "A"),
    ]


def test_who_may_do_what(world: World):
    """The whole table of rights: what is not listed is refused."""
    with world.connect("owner") as login:
        granted = login.execute(
            "SELECT relname, rolname, string_agg(privilege_type, ' ' ORDER BY"
            " privilege_type) FROM pg_class, aclexplode(relacl) AS acl JOIN pg_roles"
            " ON pg_roles.oid = acl.grantee WHERE relkind = 'r' AND"
            " relnamespace = 'ledger'::regnamespace AND rolname <> 'anamnesis_ledger'"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
    assert granted == [
        ("anchor", "anamnesis_web", "SELECT"),  # with INSERT on four columns
        ("checkpoint", "anamnesis_sequencer", "INSERT SELECT"),
        ("checkpoint", "anamnesis_web", "SELECT"),
        ("contact", "anamnesis_sequencer", "INSERT SELECT UPDATE"),
        ("contact", "anamnesis_web", "SELECT"),
        ("cosignature", "anamnesis_sequencer", "INSERT SELECT"),
        ("cosignature", "anamnesis_web", "SELECT"),
        ("entry", "anamnesis_sequencer", "INSERT SELECT"),
        ("entry", "anamnesis_web", "SELECT"),
        ("inbox", "anamnesis_sequencer", "DELETE SELECT"),
        ("inbox", "anamnesis_web", "SELECT"),  # with INSERT on four columns
        ("refused", "anamnesis_sequencer", "INSERT SELECT"),
        ("refused", "anamnesis_web", "SELECT"),
        ("tile", "anamnesis_sequencer", "INSERT SELECT"),
        ("tile", "anamnesis_web", "SELECT"),
        ("witness_evidence", "anamnesis_web", "SELECT"),  # INSERT on six columns
        ("witness_state", "anamnesis_web", "SELECT"),  # moved by advance_witness()
    ]


def test_the_schema_s_owner_cannot_log_in(world: World):
    assert world.rows(
        "SELECT rolname, rolcanlogin FROM pg_namespace JOIN pg_roles"
        " ON pg_roles.oid = nspowner WHERE nspname = 'ledger'"
    ) == [("anamnesis_ledger", False)]


def test_the_web_can_neither_enter_nor_take_out_of_the_inbox(world: World):
    world.queue()
    with world.connect("web") as login:
        for statement in (
            "DELETE FROM ledger.inbox",
            "UPDATE ledger.inbox SET signature = signature",
            "TRUNCATE ledger.inbox",
            "INSERT INTO ledger.inbox (queued_at) VALUES (now())",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                login.execute(statement)
        with pytest.raises(errors.InsufficientPrivilege):
            login.execute(INSERT, row_of(first_entry()))


def test_a_second_root_for_one_size_is_refused(world: World):
    world.sequence(2)
    with world.connect("sequencer") as login, pytest.raises(errors.UniqueViolation):
        login.execute(
            "INSERT INTO ledger.checkpoint (log_id, size, root, note)"
            " SELECT log_id, size, root, note FROM ledger.checkpoint"
        )


def test_a_checkpoint_s_columns_are_those_of_its_note(world: World):
    world.sequence(2)
    copy = (
        "INSERT INTO ledger.checkpoint (log_id, size, root, note)"
        " SELECT log_id, {size}, {root}, {note} FROM ledger.checkpoint"
    )
    same = {
        "size": "size + 1",
        "root": "root",
        "note": "replace(note, E'\\n2\\n', E'\\n3\\n')",
    }
    with world.connect("sequencer") as login:
        for change in (
            {"note": "note"},
            {"root": "sha256('')"},
            {"note": "'other.example/log' || note"},
        ):
            with pytest.raises(errors.CheckViolation, match="checkpoint_note"):
                login.execute(copy.format(**{**same, **change}))
        login.execute(copy.format(**same))


def changes(table: str) -> tuple[str, ...]:
    column = COLUMNS[table]
    return (
        f"UPDATE ledger.{table} SET {column} = {column}",
        f"UPDATE ledger.{table} SET {column} = {column} WHERE false",
        f"DELETE FROM ledger.{table}",
        # Cascading: a checkpoint cannot go without its cosignatures in any case.
        f"TRUNCATE ledger.{table} CASCADE",
    )


COLUMNS = {
    "entry": "seq",
    "checkpoint": "size",
    "tile": "root",
    "cosignature": "line",
    "witness_evidence": "origin",
    "anchor": "origin",
}
