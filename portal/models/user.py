"""A person with an account."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from portal.sealed_fields import SealedTextField


class UserManager(BaseUserManager["User"]):
    """Makes accounts, known by their e-mail address."""

    def create_user(
        self, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        """A saved account; without a password, one must be set by e-mail first."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who signs in: a patient, a guardian or somebody's colleague."""

    email = models.EmailField("e-mail address", unique=True)
    full_name = SealedTextField()
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return str(self.full_name)
