-- An admin counts how the hospital's own doctors judged; what they wrote stays sealed.

CREATE POLICY judged_here ON diagnosis_verdict FOR SELECT TO anamnesis_web
  USING (EXISTS (
    SELECT 1 FROM records_document d WHERE d.id = document_id
       AND d.institution_id = (SELECT access.admin_at())));

UPDATE diagnosis_verdict v SET model_version = j.model_version
  FROM diagnosis_gradingjob j WHERE j.id = v.job_id;

-- Doctors elsewhere see that nobody could tell, as they see what else made what they
-- read: CLINICAL of records/history.py.

ALTER POLICY known ON records_act
  USING (patient_id IN (SELECT access.wards())
         OR institution_id = (SELECT access.staff_at())
         OR event IN (20, 23, 41, 42, 44, 45, 46)
            AND EXISTS (SELECT 1 FROM records_document d WHERE d.id = document_id
                           AND access.opened(d.patient_id, d.id, d.kind)));
