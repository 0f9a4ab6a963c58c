-- The second wall around the versions of the networks. They hold nothing of a patient;
-- who may steer them is a matter of safety, and what one is must never change.

-- A version: for whoever decides about it, for the workers; once it has graded, for
-- everybody signed in, whose grades name it. Nobody deletes one.

ALTER TABLE diagnosis_modelversion ENABLE ROW LEVEL SECURITY;
CREATE POLICY site ON diagnosis_modelversion FOR SELECT TO anamnesis_web
  USING ((SELECT access.task()) <> '');
CREATE POLICY registered ON diagnosis_modelversion FOR INSERT TO anamnesis_web
  WITH CHECK ((SELECT access.task()) = 'upkeep');
CREATE POLICY kept ON diagnosis_modelversion FOR UPDATE TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY staff ON diagnosis_modelversion FOR SELECT TO anamnesis_web
  USING ((SELECT access.is_platform()) OR (SELECT access.is_service_staff()));
CREATE POLICY steered ON diagnosis_modelversion FOR UPDATE TO anamnesis_web
  USING ((SELECT access.is_platform()) OR (SELECT access.is_service_staff()));
CREATE POLICY named ON diagnosis_modelversion FOR SELECT TO anamnesis_web
  USING (activated_at IS NOT NULL AND (SELECT access.person()) IS NOT NULL);

CREATE FUNCTION access.version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF (OLD.id, OLD.name, OLD.weights_sha256, OLD.cid, OLD.card, OLD.intended_use,
        OLD.warnings, OLD.approved_by, OLD.registered_at)
       IS DISTINCT FROM
       (NEW.id, NEW.name, NEW.weights_sha256, NEW.cid, NEW.card, NEW.intended_use,
        NEW.warnings, NEW.approved_by, NEW.registered_at)
    THEN
      RAISE 'What a version of the networks is does not change: register another.';
    END IF;
    RETURN NEW;
  END $$;
CREATE TRIGGER version_stays BEFORE UPDATE ON diagnosis_modelversion
  FOR EACH ROW EXECUTE FUNCTION access.version_stays();

-- What was done about it: added by whoever did it, changed by nobody.

ALTER TABLE diagnosis_modelstep ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON diagnosis_modelstep FOR SELECT TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep'
         OR (SELECT access.is_platform()) OR (SELECT access.is_service_staff()));
CREATE POLICY done ON diagnosis_modelstep FOR INSERT TO anamnesis_web
  WITH CHECK ((SELECT access.task()) = 'upkeep'
              OR (SELECT access.is_platform()) OR (SELECT access.is_service_staff()));

-- What a version in shadow mode said: added by workers, seen by the service's people,
-- who alone hold the key.

ALTER TABLE diagnosis_shadowresult ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON diagnosis_shadowresult TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY said ON diagnosis_shadowresult FOR INSERT TO anamnesis_web
  WITH CHECK ((SELECT access.job()) IS NOT NULL);
CREATE POLICY compared ON diagnosis_shadowresult FOR SELECT TO anamnesis_web
  USING ((SELECT access.is_service_staff()));
