-- The ledger's schema. Offsets count from 1, as in the layout of ledger/encoding.py.
-- The migration writes the quoted origin of this site's log into ledger.origin().

CREATE SCHEMA ledger AUTHORIZATION anamnesis_ledger;
SET LOCAL ROLE anamnesis_ledger;

-- The log's name is part of the schema, so that every constraint can hold rows to it.

CREATE FUNCTION ledger.origin() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT :origin $$;

CREATE FUNCTION ledger.genesis() RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT sha256(convert_to(ledger.origin(), 'UTF8')) $$;

CREATE FUNCTION ledger.log_id() RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT substring(ledger.genesis() from 1 for 16) $$;

CREATE FUNCTION ledger.u16(bytes bytea, at integer) RETURNS integer
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$ SELECT get_byte(bytes, at - 1) * 256 + get_byte(bytes, at) $$;

-- Statements queued in the transaction of the act they record.

CREATE TABLE ledger.inbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  log_id bytea NOT NULL,
  statement_id bytea NOT NULL UNIQUE,
  statement bytea NOT NULL,
  signature bytea NOT NULL,
  queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT inbox_of_this_log CHECK (log_id = ledger.log_id()),
  CONSTRAINT inbox_statement_layout CHECK (
    octet_length(statement) >= 185
    AND octet_length(statement) = 185 + get_byte(statement, 86)
    AND ledger.u16(statement, octet_length(statement) - 1) = 0
  ),
  CONSTRAINT inbox_statement_id CHECK (
    statement_id = substring(statement from 1 for 16)
  ),
  CONSTRAINT inbox_signature CHECK (octet_length(signature) = 64)
);

-- Statements the sequencer could not enter: a replay, or bytes it cannot read.

CREATE TABLE ledger.refused (
  id bigint PRIMARY KEY,
  statement_id bytea NOT NULL,
  statement bytea NOT NULL,
  signature bytea NOT NULL,
  reason text NOT NULL,
  refused_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The log. Every column repeats a slice of the bytes that were hashed.

CREATE TABLE ledger.entry (
  seq bigint PRIMARY KEY,
  bytes bytea NOT NULL,
  previous_hash bytea NOT NULL,
  leaf_hash bytea NOT NULL
    GENERATED ALWAYS AS (sha256('\x00'::bytea || bytes)) STORED,
  ts_ms bigint NOT NULL,
  statement_id bytea NOT NULL UNIQUE,
  tenant integer NOT NULL,
  kind smallint NOT NULL,
  author_key_id bytea NOT NULL,
  subject_tag bytea NOT NULL,
  cid bytea NOT NULL,
  CONSTRAINT entry_layout CHECK (
    octet_length(bytes) BETWEEN 322 AND 65535
    AND substring(bytes from 1 for 4) = 'AML1'::bytea
    AND ledger.u16(bytes, 69) = 185 + get_byte(bytes, 156)
    AND octet_length(bytes) = 137 + ledger.u16(bytes, 69)
    AND get_byte(bytes, octet_length(bytes) - 67) = 1
    AND ledger.u16(bytes, octet_length(bytes) - 65) = 64
  ),
  CONSTRAINT entry_of_this_log CHECK (
    substring(bytes from 5 for 16) = ledger.log_id()
  ),
  CONSTRAINT entry_seq CHECK (int8send(seq) = substring(bytes from 21 for 8)),
  CONSTRAINT entry_previous_hash CHECK (
    previous_hash = substring(bytes from 29 for 32)
  ),
  CONSTRAINT entry_ts_ms CHECK (int8send(ts_ms) = substring(bytes from 61 for 8)),
  CONSTRAINT entry_statement_id CHECK (
    statement_id = substring(bytes from 71 for 16)
  ),
  CONSTRAINT entry_tenant CHECK (int4send(tenant) = substring(bytes from 87 for 4)),
  CONSTRAINT entry_kind CHECK (int2send(kind) = substring(bytes from 91 for 2)),
  CONSTRAINT entry_author_key_id CHECK (
    author_key_id = substring(bytes from 93 for 32)
  ),
  CONSTRAINT entry_subject_tag CHECK (
    subject_tag = substring(bytes from 125 for 32)
  ),
  CONSTRAINT entry_cid CHECK (
    cid = substring(bytes from 158 for get_byte(bytes, 156))
  )
);

-- One root per size, ever.

CREATE TABLE ledger.checkpoint (
  log_id bytea NOT NULL,
  size bigint NOT NULL CHECK (size >= 0),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  note text NOT NULL,
  signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (log_id, size),
  CONSTRAINT checkpoint_of_this_log CHECK (log_id = ledger.log_id()),
  CONSTRAINT checkpoint_note CHECK (
    starts_with(note, concat_ws(E'\n', ledger.origin(), size,
                                encode(root, 'base64'), E'\n'))
  )
);

-- An entry continues the last one: no gap, no fork, no step back in time.

CREATE FUNCTION ledger.continue_chain() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  last_seq bigint := -1;
  last_hash bytea := ledger.genesis();
  last_ts_ms bigint := 0;
  head record;
BEGIN
  SELECT seq, leaf_hash, ts_ms INTO head
    FROM ledger.entry ORDER BY seq DESC LIMIT 1;
  IF FOUND THEN
    last_seq := head.seq;
    last_hash := head.leaf_hash;
    last_ts_ms := head.ts_ms;
  END IF;
  IF NEW.seq <> last_seq + 1 THEN
    RAISE EXCEPTION 'Entry % cannot follow entry %.', NEW.seq, last_seq
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.previous_hash <> last_hash THEN
    RAISE EXCEPTION 'Entry % does not name the hash of the entry before it.', NEW.seq
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.ts_ms < last_ts_ms THEN
    RAISE EXCEPTION 'Entry % is older than the entry before it.', NEW.seq
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER entry_continues_chain BEFORE INSERT ON ledger.entry
  FOR EACH ROW EXECUTE FUNCTION ledger.continue_chain();

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%.% is append-only: % is refused.',
    TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER entry_is_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.entry
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER checkpoint_is_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refused_is_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.refused
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- ALWAYS: session_replication_role = replica walks past ordinary triggers.

ALTER TABLE ledger.entry ENABLE ALWAYS TRIGGER entry_continues_chain;
ALTER TABLE ledger.entry ENABLE ALWAYS TRIGGER entry_is_append_only;
ALTER TABLE ledger.checkpoint ENABLE ALWAYS TRIGGER checkpoint_is_append_only;
ALTER TABLE ledger.refused ENABLE ALWAYS TRIGGER refused_is_append_only;

-- Whoever may do nothing with a table is not named here.

GRANT USAGE ON SCHEMA ledger TO anamnesis_web, anamnesis_sequencer;
GRANT INSERT (log_id, statement_id, statement, signature), SELECT
  ON ledger.inbox TO anamnesis_web;
GRANT SELECT, DELETE ON ledger.inbox TO anamnesis_sequencer;
GRANT SELECT ON ledger.entry, ledger.checkpoint, ledger.refused TO anamnesis_web;
GRANT SELECT, INSERT ON ledger.entry, ledger.checkpoint, ledger.refused
  TO anamnesis_sequencer;

RESET ROLE;
