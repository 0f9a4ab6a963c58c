"""Django's settings, made from the environment."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from portal.database import settings_for
from portal.environment import (
    BASE,
    EnvironmentProblem,
    flag,
    number,
    secret_file,
    several,
    text,
    var,
)

VAR = var()
PUBLIC_URL = text("PUBLIC_URL", f"http://127.0.0.1:{number('PORT', 8000)}")
_public = urlsplit(PUBLIC_URL)
_https = _public.scheme == "https"

DEBUG = flag("DEBUG")
SECRET_KEY = text("SECRET_KEY") or secret_file("django")
ALLOWED_HOSTS = [_public.hostname or "", "127.0.0.1", "localhost"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "portal",
    "ledger",
    "records",
    "diagnosis",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_q",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.ActingMiddleware",
    "portal.middleware.NoStoreMiddleware",
    "portal.middleware.RefusalMiddleware",
    "records.middleware.DamageMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context_processors.shell",
                "records.context_processors.family",
                "records.context_processors.waiting",
            ],
        },
    }
]

# Every process logs in with the least it needs; only `setup` and migrations are owner.
DATABASE_ROLE = text("DATABASE_ROLE", "web")
if DATABASE_ROLE not in {"owner", "web", "sequencer"}:
    raise EnvironmentProblem(
        f"DATABASE_ROLE is {DATABASE_ROLE!r}; write owner, web or sequencer."
    )
DATABASES = {"default": settings_for(DATABASE_ROLE)}  # type: ignore[arg-type] # checked above
# An entry about a failure must outlive the transaction that the failure aborts.
ATOMIC_REQUESTS = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
    }
}

AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "portal.accounts.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = text("TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# Without a mail server, mails lie in a folder for whoever runs the portal.
EMAIL_HOST = text("EMAIL_HOST")
EMAIL_PORT = number("EMAIL_PORT", 587)
EMAIL_HOST_USER = text("EMAIL_USER")
EMAIL_HOST_PASSWORD = text("EMAIL_PASSWORD")
EMAIL_USE_TLS = flag("EMAIL_TLS", default=True)
DEFAULT_FROM_EMAIL = text("EMAIL_FROM", f"anamnesis@{_public.hostname}")
EMAIL_FILE_PATH = VAR / "mail"
_mail = "smtp" if EMAIL_HOST else "filebased"
EMAIL_BACKEND = f"django.core.mail.backends.{_mail}.EmailBackend"

# An upload above this size is refused at the field, before it is read into memory.
# One below is held whole while it is decoded.
MAX_UPLOAD_BYTES = 100 * 1024 * 1024

# Images that one device may send in a minute; requests, where one brings several.
DEVICE_RATE = number("DEVICE_RATE", 120)
# The header in which a proxy that ends TLS says the SHA-256 of a device's certificate.
# It must take the header away from whoever else sends it.
DEVICE_CERTIFICATE_HEADER = text("DEVICE_CERTIFICATE_HEADER")

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SECURE_SSL_REDIRECT = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# The ledger names us by string, so that it need not know us.
LEDGER_ORIGIN = text("LEDGER_ORIGIN", "anamnesis.localhost/ledger/2026")
LEDGER_SIGNER = "portal.keys.log_signer"
LEDGER_WITNESS_SIGNER = "portal.keys.witness_signer"
LEDGER_AUTHORS = "portal.keys.author_keys"
LEDGER_INSTITUTIONS = "portal.keys.institution_keys"
LEDGER_BODIES = "records.bodies.check_body"
# Two logs that anchor each other grow by it, so they let each other rest.
LEDGER_ANCHOR_MINUTES = number("LEDGER_ANCHOR_MINUTES", 60)
# Logs, witnesses and quorum as a C2SP policy; who may fetch this log's entries.
LEDGER_POLICY = Path(text("LEDGER_POLICY", str(VAR / "ledger-policy")))
LEDGER_MIRRORS = Path(text("LEDGER_MIRRORS", str(VAR / "ledger-mirrors")))
# What `start` runs beside the Procfile: the demo world's witnesses.
DEMO_PROCFILE = VAR / "Procfile.demo"
# The last signed head. Keep it out of what is backed up and restored with the database.
LEDGER_HEAD = Path(text("LEDGER_HEAD", str(VAR / "ledger-head")))

# A node that speaks the Kubo RPC, else blocks lie in a folder.
IPFS_API = text("IPFS_API")
# Other institutions' nodes, asked in turn for blocks that the own store lost.
IPFS_PEERS = several("IPFS_PEERS")
BLOCKS = VAR / "blocks"
# Where a data set's archive is unpacked from: files without names, gone with their process.
INTAKE = VAR / "intake"

# The weights that grade first; the shipped ones have seen synthetic kidneys only.
MODEL_DIR = Path(
    text("MODEL_DIR", str(BASE / "diagnosis" / "grading" / "default_weights"))
)
# Where a worker puts the weights of other versions, fetched from the content store.
MODELS = VAR / "models"

# Models whose rows are data keys wrapped for holders: while there is a wrap for a key,
# its private half is not destroyed.
WRAPS = ["records.KeyWrap", "diagnosis.SetWrap"]

# How the networks are run: a backend by name, else the fastest that grades alike.
GRADING_BACKEND = text("GRADING_BACKEND")
# What was measured of them on this machine, with the networks made ready for it.
INFERENCE_CACHE = VAR / "inference"

# What stands in the rail, by whom it is for: (label, url name, icon, visitors).
PLACES = [
    ("Patients", "patients", "people", {"doctor", "hospital_admin"}),
    ("My family", "family", "home", {"guardian"}),
    ("Grades", "jobs", "grade", {"doctor"}),
    ("Data sets", "data_sets", "file", {"doctor"}),
    ("Who looked", "audit", "eye", {"guardian", "hospital_admin"}),
    ("Emergency", "emergency", "attention", {"doctor"}),
    ("Enrol", "enrol", "plus", {"hospital_admin"}),
    ("People", "members", "person", {"hospital_admin"}),
    ("Hospitals", "institutions", "hospital", {"platform_admin"}),
    ("Models", "versions", "grade", {"platform_admin", "service_staff"}),
    ("Jobs", "staff_jobs", "queue", {"platform_admin", "service_staff"}),
    ("Health", "health", "health", {"platform_admin"}),
    (
        "Ledger",
        "ledger",
        "key",
        {"doctor", "guardian", "hospital_admin", "platform_admin", "service_staff"},
    ),
]

# The queue in which grading waits: the gpu cluster's own, else one that workers with
# nothing but the diagnosis service's keys serve, elsewhere.
GRADING_QUEUE = text("GRADING_QUEUE", "gpu")
if GRADING_QUEUE == "default":
    raise EnvironmentProblem("GRADING_QUEUE cannot be default; write gpu or service.")
# What says to a worker that there is work; without Redis, a table.
REDIS_URL = text("REDIS_URL")
_broker = {"redis": REDIS_URL} if REDIS_URL else {"orm": "default", "poll": 0.2}
# The grader holds the processor or the accelerator alone.
_one_at_a_time = {"workers": 1, "queue_limit": 1, "timeout": 300, "retry": 360}
_q_common: dict[str, Any] = {
    **_broker,
    "max_attempts": 3,
    "ack_failures": True,
    "save_limit": 250,
    "catch_up": False,
    "log_level": "WARNING",
}
Q_CLUSTER: dict[str, Any] = {
    **_q_common,
    "name": "default",
    # A large archive is looked at for minutes; meanwhile the rest goes on.
    "workers": 2,
    "timeout": 120,
    "retry": 180,
    "ALT_CLUSTERS": dict.fromkeys(("gpu", GRADING_QUEUE), _one_at_a_time),
}
# What the default cluster does by itself: task → every so many minutes.
SCHEDULES = {
    "diagnosis.tasks.sweep_jobs": 1,
    "diagnosis.tasks.sweep_data_sets": 1,
    "portal.tasks.mail_notifications": 1,
    "ledger.tasks.compare_views": 1,
    "ledger.tasks.anchor_logs": LEDGER_ANCHOR_MINUTES,
}
# And what it does once a night, at three o'clock.
NIGHTLY = [
    "ledger.tasks.inspect_log",
    "records.tasks.scrub_storage",
    "records.tasks.remove_erased",
    "records.tasks.end_guardianships",
]
NIGHT_HOUR = 3

# What a site needs beyond its database, once its parties are there: each says what it
# did in a sentence, or nothing.
READY = ["diagnosis.first_version.ensure_version"]

# What the health page looks at.
HEALTH = ["ledger.health.checks", "records.health.checks"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
