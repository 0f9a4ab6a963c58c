-- The second wall, its diagnosis part: the service at one job sees the copy it grades;
-- of patient and image no more than which row the report belongs to.

CREATE FUNCTION access.job() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT substring(access.task() from '^grading (.+)$')::uuid $$;

CREATE FUNCTION access.graded_image() RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$ SELECT image_id FROM diagnosis_gradingjob WHERE id = access.job() $$;

CREATE FUNCTION access.graded_copy() RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$ SELECT copy_id FROM diagnosis_gradingjob WHERE id = access.job() $$;

CREATE FUNCTION access.graded_patient() RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$ SELECT patient_id FROM records_document WHERE id = access.graded_image() $$;

-- Jobs: of one's hospital, and on what one reads.

ALTER TABLE diagnosis_gradingjob ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_gradingjob TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY own ON diagnosis_gradingjob FOR SELECT TO anamnesis_web
  USING (institution_id = (SELECT access.doctor_at()));
CREATE POLICY asked ON diagnosis_gradingjob FOR INSERT TO anamnesis_web
  WITH CHECK (institution_id = (SELECT access.doctor_at()));
CREATE POLICY steered ON diagnosis_gradingjob FOR UPDATE TO anamnesis_web
  USING (institution_id = (SELECT access.doctor_at()));
CREATE POLICY service ON diagnosis_gradingjob FOR SELECT TO anamnesis_web
  USING (id = (SELECT access.job()));
CREATE POLICY worked_on ON diagnosis_gradingjob FOR UPDATE TO anamnesis_web
  USING (id = (SELECT access.job()));
CREATE POLICY known ON diagnosis_gradingjob FOR SELECT TO anamnesis_web
  USING (EXISTS (
    SELECT 1 FROM records_document d WHERE d.id IN (image_id, report_id)
       AND (d.patient_id IN (SELECT access.wards())
            OR d.institution_id = (SELECT access.doctor_at())
            OR access.opened(d.patient_id, d.id, d.kind))));

ALTER TABLE diagnosis_verdict ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_verdict TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY given ON diagnosis_verdict FOR INSERT TO anamnesis_web
  WITH CHECK (EXISTS (
    SELECT 1 FROM records_document d WHERE d.id = document_id
       AND d.institution_id = (SELECT access.doctor_at())));
CREATE POLICY known ON diagnosis_verdict FOR SELECT TO anamnesis_web
  USING (EXISTS (
    SELECT 1 FROM records_document d WHERE d.id = document_id
       AND (d.patient_id IN (SELECT access.wards())
            OR d.institution_id = (SELECT access.doctor_at())
            OR access.opened(d.patient_id, d.id, d.kind))));

-- What the service needs of the records.

CREATE POLICY service ON records_patient FOR SELECT TO anamnesis_web
  USING (id = (SELECT access.graded_patient()));
CREATE POLICY held_by_service ON records_patient FOR UPDATE TO anamnesis_web
  USING (id = (SELECT access.graded_patient())) WITH CHECK (false);
CREATE POLICY service ON records_document FOR SELECT TO anamnesis_web
  USING (id IN ((SELECT access.graded_image()), (SELECT access.graded_copy()))
         OR kind = 'grade_report' AND about_id = (SELECT access.graded_image()));
CREATE POLICY reported ON records_document FOR INSERT TO anamnesis_web
  WITH CHECK (kind = 'grade_report' AND about_id = (SELECT access.graded_image()));
CREATE POLICY service ON records_keywrap FOR SELECT TO anamnesis_web
  USING (document_id = (SELECT access.graded_copy())
         OR EXISTS (SELECT 1 FROM records_document d WHERE d.id = document_id
                       AND d.kind = 'grade_report'
                       AND d.about_id = (SELECT access.graded_image())));
CREATE POLICY reported ON records_keywrap FOR INSERT TO anamnesis_web
  WITH CHECK (EXISTS (
    SELECT 1 FROM records_document d WHERE d.id = document_id
       AND d.kind = 'grade_report' AND d.about_id = (SELECT access.graded_image())));
CREATE POLICY given_back ON records_keywrap FOR DELETE TO anamnesis_web
  USING (document_id = (SELECT access.graded_copy()));
CREATE POLICY service ON records_act FOR INSERT TO anamnesis_web
  WITH CHECK (patient_id = (SELECT access.graded_patient()));
CREATE POLICY service ON portal_privatekey FOR SELECT TO anamnesis_web
  USING ((SELECT access.job()) IS NOT NULL AND key_id IN (
    SELECT k.key_id FROM portal_holderkey k JOIN portal_institution i USING (holder_id)
     WHERE i.kind = 'diagnosis_service'));
