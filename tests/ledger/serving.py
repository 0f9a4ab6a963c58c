"""Serves a WSGI application on the loopback, for as long as a test needs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.db import connections


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing: a test's output is its own."""


def _closing(application: Any) -> Any:
    """A request's thread ends with it, so its database connection must too."""

    def answered(environ: Any, start_response: Any) -> Any:
        try:
            answer = application(environ, start_response)
            body = list(answer)
            if hasattr(answer, "close"):
                answer.close()
            return body
        finally:
            connections.close_all()

    return answered


@contextmanager
def served(application: Any) -> Iterator[str]:
    """The address under which a WSGI application answers, in threads of its own."""
    with make_server("127.0.0.1", 0, _closing(application), _Server, _Quiet) as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
