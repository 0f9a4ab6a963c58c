-- The second wall around emergencies, erasures and patients who are of age.

CREATE OR REPLACE FUNCTION access.wards() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT patient_id FROM records_guardian
     WHERE user_id = access.person() AND frozen_at IS NULL AND ended_at IS NULL
  $$;

CREATE FUNCTION access.emergency(patient uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT EXISTS (SELECT 1 FROM records_emergencyaccess
                    WHERE patient_id = patient AND doctor_id = access.person()
                      AND institution_id = access.doctor_at() AND until > now())
  $$;

-- Who opened a history, and the admin who judges it, know about whom it was for good.

CREATE FUNCTION access.had_emergency(patient uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT EXISTS (SELECT 1 FROM records_emergencyaccess
                    WHERE patient_id = patient
                      AND (institution_id = access.admin_at()
                           OR institution_id = access.doctor_at()
                              AND doctor_id = access.person()))
  $$;

CREATE OR REPLACE FUNCTION access.opened(patient uuid, document uuid, kind text)
  RETURNS boolean LANGUAGE sql STABLE
  AS $$
    SELECT opened.kind <> 'service_copy' AND (access.emergency(patient) OR EXISTS (
      SELECT 1 FROM access.consent(patient) c
       WHERE c.extent = 'everything'
          OR c.extent = 'kind' AND c.kind = opened.kind
          OR c.extent = 'documents' AND opened.document = ANY (c.documents)))
  $$;

ALTER POLICY known ON records_patient
  USING (id IN (SELECT access.wards()) OR access.was_here(id)
         OR access.had_emergency(id));
ALTER POLICY known ON records_enrolment
  USING (institution_id = (SELECT access.staff_at())
         OR patient_id IN (SELECT access.wards())
         OR EXISTS (SELECT 1 FROM access.consent(patient_id))
         OR access.emergency(patient_id));
ALTER POLICY known ON records_document
  USING (patient_id IN (SELECT access.wards())
         OR institution_id = (SELECT access.staff_at())
         OR (SELECT access.admin_at()) IS NOT NULL
            AND (access.was_here(patient_id) OR access.had_emergency(patient_id))
         OR (SELECT access.doctor_at()) IS NOT NULL
            AND (access.opened(patient_id, id, kind)
                 OR kind = 'image' AND access.is_subject(id)));

-- In an emergency a doctor reads with the patient's key, for nothing was wrapped for
-- their hospital; the key that signs in the patient's name stays closed.

ALTER POLICY opened ON records_keywrap
  USING (EXISTS (
    SELECT 1 FROM records_document d WHERE d.id = document_id
       AND access.opened(d.patient_id, d.id, d.kind)
       AND (holder_id = (SELECT i.holder_id FROM portal_institution i
                          WHERE i.id = access.doctor_at())
            OR access.emergency(d.patient_id)
               AND holder_id = (SELECT p.holder_id FROM records_patient p
                                 WHERE p.id = d.patient_id))));
CREATE POLICY emergency ON portal_privatekey FOR SELECT TO anamnesis_web
  USING (key_id IN (
    SELECT k.key_id FROM portal_holderkey k
      JOIN records_patient p USING (holder_id)
      JOIN records_emergencyaccess e ON e.patient_id = p.id
     WHERE k.purpose = 'sealing' AND e.doctor_id = (SELECT access.person())
       AND e.institution_id = (SELECT access.doctor_at()) AND e.until > now()));

ALTER TABLE records_emergencyaccess ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_emergencyaccess TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON records_emergencyaccess FOR SELECT TO anamnesis_web
  USING (patient_id IN (SELECT access.wards())
         OR institution_id = (SELECT access.admin_at())
         OR institution_id = (SELECT access.doctor_at())
            AND doctor_id = (SELECT access.person()));
CREATE POLICY opened ON records_emergencyaccess FOR INSERT TO anamnesis_web
  WITH CHECK (institution_id = (SELECT access.doctor_at())
              AND doctor_id = (SELECT access.person()));
CREATE POLICY reviewed ON records_emergencyaccess FOR UPDATE TO anamnesis_web
  USING (institution_id = (SELECT access.admin_at())
         AND doctor_id <> (SELECT access.person()));

ALTER TABLE records_erasure ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_erasure TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON records_erasure FOR SELECT TO anamnesis_web
  USING (patient_id IN (SELECT access.wards())
         OR institution_id = (SELECT access.admin_at()));
CREATE POLICY asked ON records_erasure FOR INSERT TO anamnesis_web
  WITH CHECK (patient_id IN (SELECT access.wards()));
CREATE POLICY decided ON records_erasure FOR UPDATE TO anamnesis_web
  USING (institution_id = (SELECT access.admin_at()));
