-- The second wall, its portal part: who asks, and what is theirs.
--
-- Who asks comes with each statement, as the settings anamnesis.person, .institution and
-- .task (portal/row_security.py). A setting that is not there reads as nobody.
-- Functions that look behind the wall run as the tables' owner, whom no policy binds.

CREATE SCHEMA access;
GRANT USAGE ON SCHEMA access TO anamnesis_web, anamnesis_sequencer;

CREATE FUNCTION access.person() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('anamnesis.person', true), '')::bigint $$;

CREATE FUNCTION access.task() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(current_setting('anamnesis.task', true), '') $$;

-- The institution acted for; none where the person has no role there, whatever is said.

CREATE FUNCTION access.institution() RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT institution_id FROM portal_membership
     WHERE user_id = access.person()
       AND institution_id
           = nullif(current_setting('anamnesis.institution', true), '')::bigint
  $$;

CREATE FUNCTION access.institution_as(wanted text) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT institution_id FROM portal_membership
     WHERE user_id = access.person() AND role = wanted
       AND institution_id
           = nullif(current_setting('anamnesis.institution', true), '')::bigint
  $$;

-- The roles of portal/roles.py that hold READ_CONTENT and SEE_ACTS.

CREATE FUNCTION access.doctor_at() RETURNS bigint LANGUAGE sql STABLE
  AS $$ SELECT access.institution_as('doctor') $$;
CREATE FUNCTION access.admin_at() RETURNS bigint LANGUAGE sql STABLE
  AS $$ SELECT access.institution_as('hospital_admin') $$;
CREATE FUNCTION access.staff_at() RETURNS bigint LANGUAGE sql STABLE
  AS $$ SELECT coalesce(access.doctor_at(), access.admin_at()) $$;
CREATE FUNCTION access.is_platform() RETURNS boolean LANGUAGE sql STABLE
  AS $$ SELECT access.institution_as('platform_admin') IS NOT NULL $$;

-- People: one's own roles, one's colleagues'.

ALTER TABLE portal_membership ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON portal_membership TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY own ON portal_membership FOR SELECT TO anamnesis_web
  USING (user_id = (SELECT access.person())
         OR institution_id = (SELECT access.institution())
         OR (SELECT access.is_platform()));
CREATE POLICY admin ON portal_membership FOR INSERT TO anamnesis_web
  WITH CHECK (institution_id = (SELECT access.admin_at()));

-- Private keys: the institution's, for those who act for it; the site's own, with
-- which it answers programs that nobody signed in.

ALTER TABLE portal_privatekey ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON portal_privatekey TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY institution ON portal_privatekey FOR SELECT TO anamnesis_web
  USING (key_id IN (
    SELECT k.key_id FROM portal_holderkey k JOIN portal_institution i USING (holder_id)
     WHERE i.id = (SELECT access.institution())));
CREATE POLICY site ON portal_privatekey FOR SELECT TO anamnesis_web
  USING (key_id IN (
    SELECT k.key_id FROM portal_holderkey k
     WHERE k.holder_id IN ('00000000-0000-0000-0000-000000000001',
                           '00000000-0000-0000-0000-000000000002')));
CREATE POLICY sequencer ON portal_privatekey FOR SELECT TO anamnesis_sequencer
  USING (key_id IN (
    SELECT k.key_id FROM portal_holderkey k
     WHERE k.holder_id = '00000000-0000-0000-0000-000000000001'));
-- A patient's keys come with the patient.
CREATE POLICY made ON portal_privatekey FOR INSERT TO anamnesis_web
  WITH CHECK ((SELECT access.admin_at()) IS NOT NULL);
