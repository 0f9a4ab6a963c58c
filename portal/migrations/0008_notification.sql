-- The second wall under what people are told: each sees and ticks off their own; only
-- the site itself, on behalf of an act, tells anybody anything.

ALTER TABLE portal_notification ENABLE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON portal_notification TO anamnesis_web
  USING ((SELECT access.task()) = 'upkeep');
CREATE POLICY own ON portal_notification FOR SELECT TO anamnesis_web
  USING (person_id = (SELECT access.person()));
CREATE POLICY own_read ON portal_notification FOR UPDATE TO anamnesis_web
  USING (person_id = (SELECT access.person()))
  WITH CHECK (person_id = (SELECT access.person()));
