-- The second wall, its records part: the access rule of records/permissions.py as
-- policies. A statement sees what its asker may see, whatever it asks for.

-- What the asker is to a patient.

CREATE FUNCTION access.wards() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT patient_id FROM records_guardian
     WHERE user_id = access.person() AND frozen_at IS NULL
  $$;

CREATE FUNCTION access.was_here(patient uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT EXISTS (SELECT 1 FROM records_enrolment
                    WHERE patient_id = patient AND institution_id = access.staff_at())
  $$;

CREATE FUNCTION access.is_here(patient uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT EXISTS (SELECT 1 FROM records_enrolment
                    WHERE patient_id = patient AND institution_id = access.staff_at()
                      AND ended_at IS NULL)
  $$;

CREATE FUNCTION access.consent(patient uuid) RETURNS SETOF records_consent
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT * FROM records_consent
     WHERE patient_id = patient AND institution_id = access.doctor_at()
       AND closed_at IS NULL AND until > now() AND access.is_here(patient)
  $$;

-- Whether a document of another hospital is opened to the asker, for whatever reason.

CREATE FUNCTION access.opened(patient uuid, document uuid, kind text) RETURNS boolean
  LANGUAGE sql STABLE
  AS $$
    SELECT opened.kind <> 'service_copy' AND EXISTS (
      SELECT 1 FROM access.consent(patient) c
       WHERE c.extent = 'everything'
          OR c.extent = 'kind' AND c.kind = opened.kind
          OR c.extent = 'documents' AND opened.document = ANY (c.documents))
  $$;

-- Whoever reads a report on an image knows of the image, though it may be closed to them.

CREATE FUNCTION access.is_subject(image uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT EXISTS (SELECT 1 FROM records_document d WHERE d.about_id = image
                      AND (d.institution_id = access.doctor_at()
                           OR access.opened(d.patient_id, d.id, d.kind)))
  $$;

-- Patients.

ALTER TABLE records_patient ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_patient TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON records_patient FOR SELECT TO anamnesis_web
  USING (id IN (SELECT access.wards()) OR access.was_here(id));
-- A row is locked while its readers change, which PostgreSQL counts as an update; the
-- row itself nobody changes.
CREATE POLICY held ON records_patient FOR UPDATE TO anamnesis_web
  USING (id IN (SELECT access.wards()) OR access.was_here(id)) WITH CHECK (false);
CREATE POLICY registered ON records_patient FOR INSERT TO anamnesis_web
  WITH CHECK ((SELECT access.admin_at()) IS NOT NULL);

-- Who acts for them.

ALTER TABLE records_guardian ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_guardian TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON records_guardian FOR SELECT TO anamnesis_web
  USING (user_id = (SELECT access.person())
         OR patient_id IN (SELECT access.wards()) OR access.was_here(patient_id));
CREATE POLICY verified ON records_guardian FOR INSERT TO anamnesis_web
  WITH CHECK ((SELECT access.admin_at()) IS NOT NULL AND access.is_here(patient_id)
              AND user_id <> (SELECT access.person()));
CREATE POLICY frozen ON records_guardian FOR UPDATE TO anamnesis_web
  USING ((SELECT access.admin_at()) IS NOT NULL AND access.is_here(patient_id)
         AND user_id <> (SELECT access.person()));

-- Where they are in care; where else, for those whom the family lets read.

ALTER TABLE records_enrolment ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_enrolment TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON records_enrolment FOR SELECT TO anamnesis_web
  USING (institution_id = (SELECT access.staff_at())
         OR patient_id IN (SELECT access.wards())
         OR EXISTS (SELECT 1 FROM access.consent(patient_id)));
CREATE POLICY taken_in ON records_enrolment FOR INSERT TO anamnesis_web
  WITH CHECK (institution_id = (SELECT access.admin_at()));
CREATE POLICY ended ON records_enrolment FOR UPDATE TO anamnesis_web
  USING (institution_id = (SELECT access.admin_at())
         OR patient_id IN (SELECT access.wards()))
  WITH CHECK (ended_at IS NOT NULL);

-- What the family allows.

ALTER TABLE records_consent ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_consent TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON records_consent FOR SELECT TO anamnesis_web
  USING (institution_id = (SELECT access.staff_at())
         OR patient_id IN (SELECT access.wards()));
CREATE POLICY given ON records_consent FOR INSERT TO anamnesis_web
  WITH CHECK (patient_id IN (SELECT access.wards()));
CREATE POLICY closed ON records_consent FOR UPDATE TO anamnesis_web
  USING (institution_id = (SELECT access.admin_at())
         OR patient_id IN (SELECT access.wards()))
  WITH CHECK (closed_at IS NOT NULL);

-- Documents: an admin sees which there are, the wraps below keep the content from them.

ALTER TABLE records_document ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_document TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON records_document FOR SELECT TO anamnesis_web
  USING (patient_id IN (SELECT access.wards())
         OR institution_id = (SELECT access.staff_at())
         OR (SELECT access.admin_at()) IS NOT NULL AND access.was_here(patient_id)
         OR (SELECT access.doctor_at()) IS NOT NULL
            AND (access.opened(patient_id, id, kind)
                 OR kind = 'image' AND access.is_subject(id)));
CREATE POLICY added ON records_document FOR INSERT TO anamnesis_web
  WITH CHECK (institution_id = (SELECT access.doctor_at())
              AND access.is_here(patient_id));
-- Locked while a grade is asked for.
CREATE POLICY held ON records_document FOR UPDATE TO anamnesis_web
  USING ((SELECT access.doctor_at()) IS NOT NULL
         AND (institution_id = (SELECT access.doctor_at())
              OR access.opened(patient_id, id, kind)))
  WITH CHECK (false);

-- Their data keys: the wall around the content itself.

ALTER TABLE records_keywrap ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_keywrap TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY own ON records_keywrap FOR SELECT TO anamnesis_web
  USING (EXISTS (
    SELECT 1 FROM records_document d WHERE d.id = document_id
       AND (d.patient_id IN (SELECT access.wards())
            OR d.institution_id = (SELECT access.doctor_at()))));
CREATE POLICY made ON records_keywrap FOR INSERT TO anamnesis_web
  WITH CHECK (EXISTS (
    SELECT 1 FROM records_document d WHERE d.id = document_id
       AND (d.patient_id IN (SELECT access.wards())
            OR d.institution_id = (SELECT access.doctor_at())
               AND access.is_here(d.patient_id))));
-- A family takes back what it gave, a doctor what the service was given.
CREATE POLICY taken ON records_keywrap FOR DELETE TO anamnesis_web
  USING (EXISTS (
    SELECT 1 FROM records_document d WHERE d.id = document_id
       AND (d.patient_id IN (SELECT access.wards())
            OR d.institution_id = (SELECT access.doctor_at())
               AND d.kind = 'service_copy')));
CREATE POLICY opened ON records_keywrap FOR SELECT TO anamnesis_web
  USING (holder_id = (SELECT i.holder_id FROM portal_institution i
                       WHERE i.id = access.doctor_at())
         AND EXISTS (SELECT 1 FROM records_document d WHERE d.id = document_id
                        AND access.opened(d.patient_id, d.id, d.kind)));

-- What happened; to doctors elsewhere only what made the documents they read:
-- CLINICAL of records/history.py.

ALTER TABLE records_act ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON records_act TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON records_act FOR SELECT TO anamnesis_web
  USING (patient_id IN (SELECT access.wards())
         OR institution_id = (SELECT access.staff_at())
         OR event IN (20, 41, 42, 44, 45)
            AND EXISTS (SELECT 1 FROM records_document d WHERE d.id = document_id
                           AND access.opened(d.patient_id, d.id, d.kind)));
CREATE POLICY recorded ON records_act FOR INSERT TO anamnesis_web
  WITH CHECK (patient_id IN (SELECT access.wards())
              OR institution_id = (SELECT access.staff_at()));

-- A family's keys: the patient's own, for whoever acts for the patient.

CREATE POLICY ward ON portal_privatekey FOR SELECT TO anamnesis_web
  USING (key_id IN (
    SELECT k.key_id FROM portal_holderkey k JOIN records_patient p USING (holder_id)
     WHERE p.id IN (SELECT access.wards())));
