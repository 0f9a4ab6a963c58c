"""What every request passes on its way to a view."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.acting import SESSION_KEY, acting_for
from portal.errors import KeyUnavailable, Refused

GetResponse = Callable[[HttpRequest], HttpResponse]


class ActingMiddleware:
    """Says on the request as whom the person acts."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        if request.user.is_authenticated:
            request.acting = acting_for(  # type: ignore[attr-defined]
                request.user, request.session.get(SESSION_KEY)
            )
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
