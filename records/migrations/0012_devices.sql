-- The second wall around devices. A device asks with its own identity, set once its
-- token or certificate was recognised; it sees for whom it may send, and adds. It
-- reads no wrap but those it makes and holds no key that opens.

CREATE FUNCTION access.device() RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT id FROM records_device
     WHERE id = substring(access.task() from '^device (.+)$')::uuid
       AND revoked_at IS NULL AND expires_at > now()
  $$;

CREATE FUNCTION access.device_at() RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$ SELECT institution_id FROM records_device WHERE id = access.device() $$;

CREATE FUNCTION access.device_person() RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$ SELECT enrolled_by_id FROM records_device WHERE id = access.device() $$;

-- wards_of() of records/device_rules.py.

CREATE FUNCTION access.device_wards() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT w.patient_id
      FROM records_device d
      JOIN records_deviceward w ON w.device_id = d.id
      JOIN records_enrolment e ON e.patient_id = w.patient_id
       AND e.institution_id = d.institution_id AND e.ended_at IS NULL
     WHERE d.id = access.device()
       AND (NOT d.for_family OR EXISTS (
             SELECT 1 FROM records_guardian g
              WHERE g.patient_id = w.patient_id AND g.user_id = d.enrolled_by_id
                AND g.frozen_at IS NULL AND g.ended_at IS NULL))
  $$;

-- Its own documents, by the act that was recorded first.

CREATE FUNCTION access.device_sent(document uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT EXISTS (SELECT 1 FROM records_act
                    WHERE document_id = document AND device_id = access.device())
  $$;

CREATE FUNCTION access.family_devices() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT device_id FROM records_deviceward
     WHERE patient_id IN (SELECT access.wards())
    UNION
    SELECT id FROM records_device
     WHERE enrolled_by_id = access.person() AND for_family
  $$;

-- Devices: for those about whose children or hospital they are, and for whoever reads
-- of something that one did.

ALTER TABLE records_device ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_device TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY itself ON records_device FOR SELECT TO anamnesis_web
  USING (id = (SELECT access.device()));
CREATE POLICY known ON records_device FOR SELECT TO anamnesis_web
  USING (institution_id = (SELECT access.admin_at())
         OR id IN (SELECT access.family_devices())
         OR EXISTS (SELECT 1 FROM records_act a WHERE a.device_id = records_device.id));
CREATE POLICY enrolled ON records_device FOR INSERT TO anamnesis_web
  WITH CHECK (enrolled_by_id = (SELECT access.person())
              AND (for_family OR institution_id = (SELECT access.admin_at())));
CREATE POLICY revoked ON records_device FOR UPDATE TO anamnesis_web
  USING (institution_id = (SELECT access.admin_at())
         OR for_family AND id IN (SELECT access.family_devices()))
  WITH CHECK (revoked_at IS NOT NULL);

ALTER TABLE records_deviceward ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_deviceward TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY itself ON records_deviceward FOR SELECT TO anamnesis_web
  USING (device_id = (SELECT access.device()));
CREATE FUNCTION access.devices_here() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$ SELECT id FROM records_device WHERE institution_id = access.admin_at() $$;
CREATE FUNCTION access.may_add_ward(device uuid, patient uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT EXISTS (
      SELECT 1 FROM records_device d
        JOIN records_enrolment e ON e.institution_id = d.institution_id
         AND e.patient_id = patient AND e.ended_at IS NULL
       WHERE d.id = device AND d.enrolled_by_id = access.person()
         AND d.revoked_at IS NULL
         AND CASE WHEN d.for_family THEN patient IN (SELECT access.wards())
                  ELSE d.institution_id = access.admin_at() END)
  $$;
CREATE POLICY known ON records_deviceward FOR SELECT TO anamnesis_web
  USING (patient_id IN (SELECT access.wards())
         OR device_id IN (SELECT access.devices_here()));
CREATE POLICY enrolled ON records_deviceward FOR INSERT TO anamnesis_web
  WITH CHECK (access.may_add_ward(device_id, patient_id));

-- What came before, for a device that sends it again.

ALTER TABLE records_received ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_received TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY again ON records_received FOR SELECT TO anamnesis_web
  USING (institution_id = (SELECT access.device_at())
         AND patient_id IN (SELECT access.device_wards()));
CREATE POLICY received ON records_received FOR INSERT TO anamnesis_web
  WITH CHECK (institution_id = (SELECT access.device_at())
              AND patient_id IN (SELECT access.device_wards())
              AND access.device_sent(document_id));

-- What a device needs of the rest.

CREATE POLICY device ON records_patient FOR SELECT TO anamnesis_web
  USING (id IN (SELECT access.device_wards()));
CREATE POLICY held_by_device ON records_patient FOR UPDATE TO anamnesis_web
  USING (id IN (SELECT access.device_wards())) WITH CHECK (false);
CREATE POLICY device ON records_enrolment FOR SELECT TO anamnesis_web
  USING (institution_id = (SELECT access.device_at())
         AND patient_id IN (SELECT access.device_wards()));
CREATE POLICY device ON records_guardian FOR SELECT TO anamnesis_web
  USING (patient_id IN (SELECT access.device_wards())
         AND user_id = (SELECT access.device_person()));
CREATE POLICY device ON records_document FOR SELECT TO anamnesis_web
  USING ((SELECT access.device()) IS NOT NULL AND access.device_sent(id));
CREATE POLICY sent ON records_document FOR INSERT TO anamnesis_web
  WITH CHECK (kind = 'image' AND institution_id = (SELECT access.device_at())
              AND patient_id IN (SELECT access.device_wards()));
CREATE POLICY device ON records_keywrap FOR SELECT TO anamnesis_web
  USING ((SELECT access.device()) IS NOT NULL AND access.device_sent(document_id));
CREATE POLICY sent ON records_keywrap FOR INSERT TO anamnesis_web
  WITH CHECK ((SELECT access.device()) IS NOT NULL AND access.device_sent(document_id));
CREATE POLICY device ON records_act FOR INSERT TO anamnesis_web
  WITH CHECK (device_id = (SELECT access.device())
              AND patient_id IN (SELECT access.device_wards()));

-- It signs in the name of its hospital or, a family's, of the patient. No policy gives
-- it a key that opens.

CREATE POLICY device ON portal_privatekey FOR SELECT TO anamnesis_web
  USING ((SELECT access.device()) IS NOT NULL AND key_id IN (
    SELECT k.key_id FROM portal_holderkey k
     WHERE k.purpose = 'signing' AND k.holder_id IN (
       SELECT i.holder_id FROM records_device d
         JOIN portal_institution i ON i.id = d.institution_id
        WHERE d.id = access.device() AND NOT d.for_family
       UNION
       SELECT p.holder_id FROM records_device d, records_patient p
        WHERE d.id = access.device() AND d.for_family
          AND p.id IN (SELECT access.device_wards()))));
