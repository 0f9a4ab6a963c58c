"""Turns damage in the store into a page with a sentence."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from records.errors import RecordDamaged
from records.storage.errors import StorageError, StoreUnavailable

logger = logging.getLogger(__name__)


class DamageMiddleware:
    """Says what is wrong with a document that cannot be shown, to staff as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """503 for a store that does not answer, 409 for a document that is damaged."""
        if not isinstance(exception, StorageError | RecordDamaged):
            return None
        logger.error("%s: %s", request.path, exception)
        status = 503 if isinstance(exception, StoreUnavailable) else 409
        return render(
            request, f"{status}.html", {"sentence": str(exception)}, status=status
        )
