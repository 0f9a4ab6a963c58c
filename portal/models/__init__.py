"""The rows that say who is who."""

from portal.models.institution import Institution
from portal.models.key import HolderKey, KeyHolder, PrivateKey
from portal.models.membership import Membership
from portal.models.notification import Notification
from portal.models.user import User

__all__ = [
    "HolderKey",
    "Institution",
    "KeyHolder",
    "Membership",
    "Notification",
    "PrivateKey",
    "User",
]
