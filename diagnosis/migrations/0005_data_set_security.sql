-- The second wall around data sets: the institution's doctors and admins see its own; its
-- worker sees the one it looks at; the service at one run sees the pictures it grades.

CREATE FUNCTION access.examined_set() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT substring(access.task() from '^examining (.+)$')::uuid $$;

CREATE FUNCTION access.graded_run() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT substring(access.task() from '^running (.+)$')::uuid $$;

CREATE FUNCTION access.examined_at() RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$ SELECT institution_id FROM diagnosis_dataset WHERE id = access.examined_set() $$;

CREATE FUNCTION access.graded_set() RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$ SELECT data_set_id FROM diagnosis_setrun WHERE id = access.graded_run() $$;

CREATE FUNCTION access.of_service(holder uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT EXISTS (SELECT 1 FROM portal_institution
                    WHERE holder_id = holder AND kind = 'diagnosis_service')
  $$;

-- Whether the asker, or the worker of the institution, is at home in a set.

CREATE FUNCTION access.is_own_set(data_set uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT EXISTS (SELECT 1 FROM diagnosis_dataset
                    WHERE id = data_set
                      AND institution_id IN (access.staff_at(), access.examined_at()))
  $$;

-- And whether it may be written to: the worker writes to the one set it is at.

CREATE FUNCTION access.works_at_set(data_set uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$
    SELECT data_set = access.examined_set()
           OR EXISTS (SELECT 1 FROM diagnosis_dataset
                       WHERE id = data_set AND institution_id = access.staff_at())
  $$;

ALTER TABLE diagnosis_dataset ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_dataset TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY own ON diagnosis_dataset FOR SELECT TO anamnesis_web
  USING (institution_id IN ((SELECT access.staff_at()), (SELECT access.examined_at()))
         OR id = (SELECT access.graded_set()));
CREATE POLICY sent ON diagnosis_dataset FOR INSERT TO anamnesis_web
  WITH CHECK (institution_id = (SELECT access.staff_at()));
-- Locked while a run is asked for.
CREATE POLICY held ON diagnosis_dataset FOR UPDATE TO anamnesis_web
  USING (institution_id = (SELECT access.staff_at())) WITH CHECK (false);
CREATE POLICY examined ON diagnosis_dataset FOR UPDATE TO anamnesis_web
  USING (id = (SELECT access.examined_set()))
  WITH CHECK (institution_id = (SELECT access.examined_at()));

ALTER TABLE diagnosis_setrun ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_setrun TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON diagnosis_setrun FOR SELECT TO anamnesis_web
  USING (id = (SELECT access.graded_run()) OR access.is_own_set(data_set_id));
CREATE POLICY asked ON diagnosis_setrun FOR INSERT TO anamnesis_web
  WITH CHECK (access.works_at_set(data_set_id));
CREATE POLICY steered ON diagnosis_setrun FOR UPDATE TO anamnesis_web
  USING (access.works_at_set(data_set_id));
CREATE POLICY worked_on ON diagnosis_setrun FOR UPDATE TO anamnesis_web
  USING (id = (SELECT access.graded_run()))
  WITH CHECK (data_set_id = (SELECT access.graded_set()));

-- Results on their way: they are counted for the hospital, and gone with a cancelled run.

ALTER TABLE diagnosis_setresult ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_setresult TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY service ON diagnosis_setresult TO anamnesis_web
  USING (run_id = (SELECT access.graded_run()));
CREATE POLICY known ON diagnosis_setresult FOR SELECT TO anamnesis_web
  USING (EXISTS (SELECT 1 FROM diagnosis_setrun r
                  WHERE r.id = run_id AND access.is_own_set(r.data_set_id)));
CREATE POLICY dropped ON diagnosis_setresult FOR DELETE TO anamnesis_web
  USING (EXISTS (SELECT 1 FROM diagnosis_setrun r
                  WHERE r.id = run_id AND access.works_at_set(r.data_set_id)));

-- Contents: the service sees which pictures it was given, and puts its results.

ALTER TABLE diagnosis_setcontent ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_setcontent TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY own ON diagnosis_setcontent FOR SELECT TO anamnesis_web
  USING (access.is_own_set(data_set_id));
CREATE POLICY put ON diagnosis_setcontent FOR INSERT TO anamnesis_web
  WITH CHECK (access.works_at_set(data_set_id) AND kind <> 'results');
CREATE POLICY dropped ON diagnosis_setcontent FOR DELETE TO anamnesis_web
  USING (data_set_id = (SELECT access.examined_set()) AND kind = 'upload');
CREATE POLICY service ON diagnosis_setcontent FOR SELECT TO anamnesis_web
  USING (data_set_id = (SELECT access.graded_set()) AND kind = 'images'
         OR run_id = (SELECT access.graded_run()) AND kind = 'results');
CREATE POLICY answered ON diagnosis_setcontent FOR INSERT TO anamnesis_web
  WITH CHECK (data_set_id = (SELECT access.graded_set())
              AND run_id = (SELECT access.graded_run()) AND kind = 'results');

ALTER TABLE diagnosis_setwrap ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_setwrap TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON diagnosis_setwrap FOR SELECT TO anamnesis_web
  USING (EXISTS (SELECT 1 FROM diagnosis_setcontent c WHERE c.id = content_id));
CREATE POLICY made ON diagnosis_setwrap FOR INSERT TO anamnesis_web
  WITH CHECK (EXISTS (
    SELECT 1 FROM diagnosis_setcontent c WHERE c.id = content_id
       AND (access.works_at_set(c.data_set_id)
            OR c.run_id = (SELECT access.graded_run()))));
-- The service gives back what it was given, the hospital takes it back, or drops the
-- archive that nobody needs any more.
CREATE POLICY taken ON diagnosis_setwrap FOR DELETE TO anamnesis_web
  USING (access.of_service(holder_id)
         AND EXISTS (SELECT 1 FROM diagnosis_setcontent c
                      WHERE c.id = content_id AND c.kind = 'images'
                        AND (access.works_at_set(c.data_set_id)
                             OR c.data_set_id = (SELECT access.graded_set()))));
CREATE POLICY dropped ON diagnosis_setwrap FOR DELETE TO anamnesis_web
  USING (EXISTS (SELECT 1 FROM diagnosis_setcontent c
                  WHERE c.id = content_id AND c.kind = 'upload'
                    AND c.data_set_id = (SELECT access.examined_set())));

ALTER TABLE diagnosis_setact ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_setact TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY known ON diagnosis_setact FOR SELECT TO anamnesis_web
  USING (access.is_own_set(data_set_id));
CREATE POLICY recorded ON diagnosis_setact FOR INSERT TO anamnesis_web
  WITH CHECK (access.works_at_set(data_set_id)
              OR data_set_id = (SELECT access.graded_set())
                 AND run_id = (SELECT access.graded_run()));

-- What a hospital published is for whoever is signed in.

ALTER TABLE diagnosis_publishedreport ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_publishedreport TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY open ON diagnosis_publishedreport FOR SELECT TO anamnesis_web
  USING ((SELECT access.person()) IS NOT NULL);
CREATE POLICY published ON diagnosis_publishedreport FOR INSERT TO anamnesis_web
  WITH CHECK (EXISTS (SELECT 1 FROM diagnosis_setrun r
                       WHERE r.id = run_id AND access.works_at_set(r.data_set_id)));

-- Whose keys each worker uses: the hospital's own at its set, the service's at its run.

CREATE POLICY examining ON portal_privatekey FOR SELECT TO anamnesis_web
  USING (key_id IN (
    SELECT k.key_id FROM portal_holderkey k JOIN portal_institution i USING (holder_id)
     WHERE i.id = (SELECT access.examined_at())));
CREATE POLICY running ON portal_privatekey FOR SELECT TO anamnesis_web
  USING ((SELECT access.graded_set()) IS NOT NULL AND key_id IN (
    SELECT k.key_id FROM portal_holderkey k JOIN portal_institution i USING (holder_id)
     WHERE i.kind = 'diagnosis_service'));
