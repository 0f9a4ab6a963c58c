"""Settings of a site that holds the rivals and the ledger, nothing else."""

from portal.database import settings_for
from portal.environment import text

SECRET_KEY = text("SECRET_KEY")
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "ledger",
    "auditlog",
    "simple_history",
    "pgtrigger",
    "pghistory",
    "benchmarks.rivals_site",
]
# One login for all of them; it owns every table.
DATABASES = {"default": settings_for("owner")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LEDGER_ORIGIN = "rivals.example/ledger"
