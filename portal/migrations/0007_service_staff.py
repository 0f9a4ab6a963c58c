"""Lets people work for the diagnosis service."""

from django.db import migrations, models

ROLES = {
    "doctor": "Doctor",
    "hospital_admin": "Hospital admin",
    "platform_admin": "Platform admin",
    "service_staff": "Diagnosis service staff",
}
IS_STAFF = """
CREATE FUNCTION access.is_service_staff() RETURNS boolean LANGUAGE sql STABLE
  AS $$ SELECT access.institution_as('service_staff') IS NOT NULL $$;
"""
IS_NO_STAFF = "DROP FUNCTION access.is_service_staff()"


class Migration(migrations.Migration):
    dependencies = [("portal", "0005_institution_rules")]
    operations = [
        migrations.RemoveConstraint(model_name="membership", name="known_role"),
        migrations.AlterField(
            model_name="membership",
            name="role",
            field=models.CharField(choices=list(ROLES.items()), max_length=20),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(role__in=list(ROLES)), name="known_role"
            ),
        ),
        migrations.RunSQL(IS_STAFF, IS_NO_STAFF),
    ]
