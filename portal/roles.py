"""Every role as data: what it is called, what it is for."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a member may be at an institution."""

    DOCTOR = "doctor", _("Doctor")
    HOSPITAL_ADMIN = "hospital_admin", _("Hospital admin")
    PLATFORM_ADMIN = "platform_admin", _("Platform admin")
    SERVICE_STAFF = "service_staff", _("Diagnosis service staff")


@dataclass(frozen=True)
class Permission:
    """One thing a role may do, with the sentence that describes it."""

    name: str
    sentence: str


READ_CONTENT = Permission(
    "read_content", "open what patients allowed the hospital to see"
)
ADD_DOCUMENT = Permission("add_document", "add documents to patients enrolled here")
REQUEST_GRADE = Permission("request_grade", "ask for an AI grade and judge it")
HANDLE_DATA_SETS = Permission(
    "handle_data_sets", "have data sets graded, and validate the networks on them"
)
SEE_ACTS = Permission("see_acts", "see who did what and when, without the content")
ENROL = Permission("enrol", "enrol patients and end enrolments")
MANAGE_MEMBERS = Permission("manage_members", "add members to the institution")
MANAGE_INSTITUTIONS = Permission("manage_institutions", "register institutions")

OPEN_EMERGENCY = Permission(
    "open_emergency", "open a history for an hour when a child's life may hang on it"
)
REVIEW_EMERGENCIES = Permission(
    "review_emergencies", "say whether an emergency access was justified"
)
DECIDE_ERASURES = Permission(
    "decide_erasures", "erase what the hospital made, when a family asks for it"
)
SET_RULES = Permission(
    "set_rules", "set the age of majority, and how long documents are kept"
)
MANAGE_DEVICES = Permission(
    "manage_devices", "enrol devices that send images, and revoke them"
)
SEE_HEALTH = Permission("see_health", "see how the site and its ledger are")
MANAGE_MODELS = Permission(
    "manage_models", "decide which version of the networks grades"
)
COMPARE_MODELS = Permission(
    "compare_models", "open what a version in shadow mode says beside the active one"
)
LOOK_AFTER_JOBS = Permission(
    "look_after_jobs", "see why gradings failed, and have them tried again"
)

ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.DOCTOR: frozenset(
        {READ_CONTENT, ADD_DOCUMENT, REQUEST_GRADE, HANDLE_DATA_SETS, OPEN_EMERGENCY}
    ),
    Role.HOSPITAL_ADMIN: frozenset(
        {
            SEE_ACTS,
            HANDLE_DATA_SETS,
            ENROL,
            MANAGE_MEMBERS,
            SEE_HEALTH,
            REVIEW_EMERGENCIES,
            DECIDE_ERASURES,
            SET_RULES,
            MANAGE_DEVICES,
        }
    ),
    Role.PLATFORM_ADMIN: frozenset(
        {MANAGE_INSTITUTIONS, SEE_HEALTH, MANAGE_MODELS, LOOK_AFTER_JOBS}
    ),
    Role.SERVICE_STAFF: frozenset({MANAGE_MODELS, COMPARE_MODELS, LOOK_AFTER_JOBS}),
}


def allows(role: str | None, permission: Permission) -> bool:
    """Whether a role holds a permission; nobody's role holds none."""
    return role is not None and permission in ROLES[Role(role)]
