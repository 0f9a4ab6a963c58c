-- Columns of the log that cannot disagree with its bytes, tiles of its tree, and what
-- witnesses say of it. Offsets count from 1, as in the layout of ledger/encoding.py.

SET LOCAL ROLE anamnesis_ledger;

CREATE FUNCTION ledger.i16(bytes bytea, at integer) RETURNS smallint
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$ SELECT ((ledger.u16(bytes, at) + 32768) % 65536 - 32768)::smallint $$;

CREATE FUNCTION ledger.i32(bytes bytea, at integer) RETURNS integer
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$ SELECT (ledger.u16(bytes, at) << 16) | ledger.u16(bytes, at + 2) $$;

CREATE FUNCTION ledger.i64(bytes bytea, at integer) RETURNS bigint
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$ SELECT (ledger.i32(bytes, at)::bigint << 32)
             | (ledger.u16(bytes, at + 4)::bigint << 16) | ledger.u16(bytes, at + 6) $$;

-- The columns are made of the bytes: nobody can write them, so nobody can write them
-- wrong. That is stronger than a CHECK on each, and half the work for the server.
-- Author and subject stay in the bytes alone: nothing is looked up by them.

DROP TRIGGER entry_continues_chain ON ledger.entry;
DROP FUNCTION ledger.continue_chain();

ALTER TABLE ledger.entry
  DROP COLUMN previous_hash, DROP COLUMN ts_ms, DROP COLUMN statement_id,
  DROP COLUMN tenant, DROP COLUMN kind, DROP COLUMN author_key_id,
  DROP COLUMN subject_tag, DROP COLUMN cid;

ALTER TABLE ledger.entry
  ADD previous_hash bytea NOT NULL
    GENERATED ALWAYS AS (substring(bytes from 29 for 32)) STORED,
  ADD ts_ms bigint NOT NULL GENERATED ALWAYS AS (ledger.i64(bytes, 61)) STORED,
  ADD statement_id bytea NOT NULL UNIQUE
    GENERATED ALWAYS AS (substring(bytes from 71 for 16)) STORED,
  ADD tenant integer NOT NULL GENERATED ALWAYS AS (ledger.i32(bytes, 87)) STORED,
  ADD kind smallint NOT NULL GENERATED ALWAYS AS (ledger.i16(bytes, 91)) STORED,
  ADD cid bytea NOT NULL
    GENERATED ALWAYS AS (substring(bytes from 158 for get_byte(bytes, 156))) STORED;

-- A one-row INSERT reads every CHECK of its table anew, which cost more than the rest of
-- the insert; the constraints of a domain stay in a connection's memory. Only what ties
-- two columns must remain a CHECK. The migration writes the log's id out.

CREATE DOMAIN ledger.this_log AS bytea
  CONSTRAINT inbox_of_this_log CHECK (VALUE = :log_id);
CREATE DOMAIN ledger.statement AS bytea
  CONSTRAINT inbox_statement_layout CHECK (
    octet_length(VALUE) >= 185
    AND octet_length(VALUE) = 185 + get_byte(VALUE, 86)
    AND substring(VALUE from octet_length(VALUE) - 1) = '\x0000'::bytea
  );
CREATE DOMAIN ledger.signature AS bytea
  CONSTRAINT inbox_signature CHECK (octet_length(VALUE) = 64);

ALTER TABLE ledger.inbox
  DROP CONSTRAINT inbox_of_this_log, DROP CONSTRAINT inbox_statement_layout,
  DROP CONSTRAINT inbox_signature,
  ALTER log_id TYPE ledger.this_log, ALTER statement TYPE ledger.statement,
  ALTER signature TYPE ledger.signature;

-- A batch continues the log: no gap, no fork, no step back in time. One look at the
-- whole batch costs a tenth of a look at the log's end before every row.

CREATE FUNCTION ledger.continue_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
BEGIN
  WITH joined AS (
    SELECT seq, previous_hash, leaf_hash, ts_ms FROM fresh
    UNION ALL
    SELECT seq, previous_hash, leaf_hash, ts_ms FROM ledger.entry
      WHERE seq = (SELECT min(seq) - 1 FROM fresh)
  ), beside AS (
    SELECT seq, previous_hash, ts_ms,
           lag(seq, 1, -1::bigint) OVER by_seq AS last_seq,
           lag(leaf_hash, 1, ledger.genesis()) OVER by_seq AS last_hash,
           lag(ts_ms, 1, 0::bigint) OVER by_seq AS last_ts_ms
      FROM joined WINDOW by_seq AS (ORDER BY seq)
  )
  SELECT * INTO bad FROM beside
    WHERE seq >= (SELECT min(seq) FROM fresh)
      AND (seq <> last_seq + 1 OR previous_hash <> last_hash OR ts_ms < last_ts_ms)
    ORDER BY seq LIMIT 1;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF bad.seq <> bad.last_seq + 1 THEN
    RAISE EXCEPTION 'Entry % cannot follow entry %.', bad.seq,
      coalesce((SELECT max(seq) FROM ledger.entry WHERE seq < bad.seq), -1)
      USING ERRCODE = 'integrity_constraint_violation';
  ELSIF bad.previous_hash <> bad.last_hash THEN
    RAISE EXCEPTION 'Entry % does not name the hash of the entry before it.', bad.seq
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RAISE EXCEPTION 'Entry % is older than the entry before it.', bad.seq
    USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER entry_continues_chain AFTER INSERT ON ledger.entry
  REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.continue_chain();
ALTER TABLE ledger.entry ENABLE ALWAYS TRIGGER entry_continues_chain;

-- Full tiles of the tree; partial ones are computed.

CREATE TABLE ledger.tile (
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
  index bigint NOT NULL CHECK (index >= 0),
  hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  PRIMARY KEY (level, index)
);
-- Hashes do not compress.
ALTER TABLE ledger.tile ALTER hashes SET STORAGE EXTERNAL;

-- What witnesses said about this log's checkpoints.

CREATE TABLE ledger.cosignature (
  log_id bytea NOT NULL,
  size bigint NOT NULL,
  witness text NOT NULL,
  key_id bytea NOT NULL CHECK (octet_length(key_id) = 4),
  cosigned_at bigint NOT NULL CHECK (cosigned_at > 0),
  line text NOT NULL,
  PRIMARY KEY (log_id, size, witness, key_id),
  FOREIGN KEY (log_id, size) REFERENCES ledger.checkpoint,
  CONSTRAINT cosignature_line CHECK (
    starts_with(line, '— ' || witness || ' ') AND strpos(line, E'\n') = length(line)
  )
);
CREATE INDEX cosignature_by_witness ON ledger.cosignature (witness, key_id, size);
CREATE INDEX cosignature_by_size ON ledger.cosignature (size);
-- There is one log, so its id in the key's first column helps no query.
CREATE INDEX checkpoint_by_size ON ledger.checkpoint (size);

-- How asking each witness went the last time: for people, evidence of nothing.

CREATE TABLE ledger.contact (
  witness text PRIMARY KEY,
  asked_at timestamptz NOT NULL,
  answered_at timestamptz,
  trouble text NOT NULL DEFAULT ''
);

-- The last checkpoint of each foreign log that this site has cosigned.

CREATE TABLE ledger.witness_state (
  origin text PRIMARY KEY,
  size bigint NOT NULL CHECK (size >= 0),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  note text NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The only way to move it: compare and swap, in one statement.

CREATE FUNCTION ledger.advance_witness(
  of_origin text, old_size bigint, new_size bigint, new_root bytea, new_note text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
  IF old_size = 0 THEN
    INSERT INTO ledger.witness_state (origin, size, root, note)
      VALUES (of_origin, new_size, new_root, new_note) ON CONFLICT DO NOTHING;
    IF FOUND THEN
      RETURN true;
    END IF;
  END IF;
  UPDATE ledger.witness_state
    SET size = new_size, root = new_root, note = new_note, seen_at = clock_timestamp()
    WHERE origin = of_origin AND size = old_size
      AND (new_size > old_size OR new_root = root);
  RETURN FOUND;
END
$$;
REVOKE EXECUTE ON FUNCTION ledger.advance_witness FROM PUBLIC;

CREATE FUNCTION ledger.never_shrink() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.origin <> OLD.origin OR NEW.size < OLD.size
     OR (NEW.size = OLD.size AND NEW.root <> OLD.root) THEN
    RAISE EXCEPTION 'A witness never goes back on what it has cosigned.'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

-- Two notes that one log has signed and that cannot both be true.

CREATE TABLE ledger.witness_evidence (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  origin text NOT NULL,
  first_size bigint NOT NULL,
  second_size bigint NOT NULL,
  first_note text NOT NULL,
  second_note text NOT NULL,
  told_by text NOT NULL,
  found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- One pair says it: a fork that grows would say it again at every size.
  UNIQUE (origin, first_size)
);

-- Foreign checkpoints that this log has entered as entries of its own.

CREATE TABLE ledger.anchor (
  statement_id bytea PRIMARY KEY CHECK (octet_length(statement_id) = 16),
  origin text NOT NULL,
  size bigint NOT NULL,
  note text NOT NULL,
  anchored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TRIGGER tile_is_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.tile
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER cosignature_is_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.cosignature
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER witness_evidence_is_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.witness_evidence
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER anchor_is_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.anchor
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER witness_state_is_kept
  BEFORE DELETE OR TRUNCATE ON ledger.witness_state
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER witness_state_never_shrinks
  BEFORE UPDATE ON ledger.witness_state
  FOR EACH ROW EXECUTE FUNCTION ledger.never_shrink();

ALTER TABLE ledger.tile ENABLE ALWAYS TRIGGER tile_is_append_only;
ALTER TABLE ledger.cosignature ENABLE ALWAYS TRIGGER cosignature_is_append_only;
ALTER TABLE ledger.witness_evidence
  ENABLE ALWAYS TRIGGER witness_evidence_is_append_only;
ALTER TABLE ledger.anchor ENABLE ALWAYS TRIGGER anchor_is_append_only;
ALTER TABLE ledger.witness_state ENABLE ALWAYS TRIGGER witness_state_is_kept;
ALTER TABLE ledger.witness_state ENABLE ALWAYS TRIGGER witness_state_never_shrinks;

-- Whoever may do nothing with a table is not named here.

GRANT SELECT ON ledger.tile, ledger.cosignature, ledger.contact, ledger.witness_state,
  ledger.witness_evidence, ledger.anchor TO anamnesis_web;
GRANT INSERT (origin, first_size, second_size, first_note, second_note, told_by)
  ON ledger.witness_evidence TO anamnesis_web;
GRANT INSERT (statement_id, origin, size, note) ON ledger.anchor TO anamnesis_web;
GRANT EXECUTE ON FUNCTION ledger.advance_witness TO anamnesis_web;
GRANT SELECT, INSERT ON ledger.tile, ledger.cosignature TO anamnesis_sequencer;
GRANT SELECT, INSERT, UPDATE ON ledger.contact TO anamnesis_sequencer;

RESET ROLE;
