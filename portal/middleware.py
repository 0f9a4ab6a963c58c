"""What every request passes on its way to a view."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.acting import SESSION_KEY, acting_for
from portal.errors import KeyUnavailable, Refused
from portal.row_security import NOBODY, Party, in_the_name_of

GetResponse = Callable[[HttpRequest], HttpResponse]


class ActingMiddleware:
    """Says on the request, and to the database, as whom the person acts."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        if not request.user.is_authenticated:
            with in_the_name_of(NOBODY):
                return self.get_response(request)
        with in_the_name_of(Party(person=request.user.pk)):
            acting = acting_for(request.user, request.session.get(SESSION_KEY))
        request.acting = acting  # type: ignore[attr-defined]
        with in_the_name_of(acting.party):
            return self.get_response(request)


class NoStoreMiddleware:
    """Keeps pages out of every cache, so that Back after sign-out shows nothing."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class RefusalMiddleware:
    """Turns a refusal into a page with its sentence."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """403 for what the rules refuse, 503 for a key that cannot be used now."""
        sentence = str(exception)
        if isinstance(exception, Refused):
            # Named as Django names it, which shows this page for its own refusals.
            return render(request, "403.html", {"exception": sentence}, status=403)
        if isinstance(exception, KeyUnavailable):
            return render(request, "503.html", {"sentence": sentence}, status=503)
        return None
