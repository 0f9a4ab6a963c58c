"""How accounts come to be."""

from allauth.account.adapter import DefaultAccountAdapter
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from portal.models import User


class Adapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """Accounts are made by institutions, never by passers-by."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """No."""
        return False


def find_or_create_account(*, email: str, full_name: str) -> User:
    """The account of an e-mail address; a new one opens by a password reset."""
    known = User.objects.filter(email=email.lower()).first()
    if known:
        return known
    try:
        with transaction.atomic():
            return User.objects.create_user(email, full_name=full_name)
    except IntegrityError:
        # Somebody made it a moment ago.
        return User.objects.get(email=email.lower())
