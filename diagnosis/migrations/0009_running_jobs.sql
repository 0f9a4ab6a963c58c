-- The platform's admin and the service's staff see the jobs that wait, run or failed:
-- which hospital asked, how far they are, what went wrong. Of patient, image and report a
-- row holds opaque ids.

CREATE POLICY looked_after ON diagnosis_gradingjob FOR SELECT TO anamnesis_web
  USING (state NOT IN ('done', 'cancelled')
         AND ((SELECT access.is_platform()) OR (SELECT access.is_service_staff())));
