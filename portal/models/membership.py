"""Who works where, as what."""

from django.conf import settings
from django.db import models

from portal.models.institution import Institution
from portal.roles import Role


class Membership(models.Model):
    """One person's role at one institution."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships"
    )
    institution = models.ForeignKey(
        Institution, models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=20, choices=Role)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "institution"], name="one_role_per_institution"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="known_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} at {self.institution}"
