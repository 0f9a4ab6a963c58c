"""How accounts come to be."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class Adapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """Accounts are made by institutions, never by passers-by."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """No."""
        return False
