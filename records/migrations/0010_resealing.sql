-- Doctors see that what they read was sealed anew, as they see what made it:
-- CLINICAL of records/history.py.

ALTER POLICY known ON records_act
  USING (patient_id IN (SELECT access.wards())
         OR institution_id = (SELECT access.staff_at())
         OR event IN (20, 23, 41, 42, 44, 45)
            AND EXISTS (SELECT 1 FROM records_document d WHERE d.id = document_id
                           AND access.opened(d.patient_id, d.id, d.kind)));
