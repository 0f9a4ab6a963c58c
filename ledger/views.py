"""What the log serves to programs, by the formats of C2SP; it knows no visitor."""

import time

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from ledger import bundle, tile_http
from ledger.answer import Answer, said
from ledger.errors import LedgerError
from ledger.mirroring.access import is_authorised
from ledger.served_log import SiteLog
from ledger.site import (
    mirror_keys,
    origin,
    policy,
    published,
    witness_name,
    witness_signer,
)
from ledger.witnessing.table_store import TableWitnessStore
from ledger.witnessing.witness import MAX_BODY_BYTES, Witness


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The latest signed head, as C2SP tlog-checkpoint has it; public by design."""
    return _response(tile_http.checkpoint(SiteLog()))


@require_safe
def tile(request: HttpRequest, level: str, path: str) -> HttpResponse:
    """Hashes of the tree, from which anyone computes proofs; public by design."""
    return _response(tile_http.tile(SiteLog(), level, path))


@gzip_page
@require_safe
def entries(request: HttpRequest, path: str) -> HttpResponse:
    """Entries, for authorised mirrors."""

    def may() -> bool:
        return is_authorised(
            request.headers.get("Authorization", ""),
            origin=origin(),
            path=f"tile/entries/{path}",
            time=int(time.time()),
            keys=mirror_keys(),
        )

    return _response(tile_http.entries(SiteLog(), path, may=may))


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """Whose signatures to expect, to be compared with those that a bundle names."""
    try:
        lines = published()
    except LedgerError as error:
        return _response(said(503, str(error)))
    return HttpResponse(lines, content_type="text/plain; charset=utf-8")


@require_safe
def checker(request: HttpRequest, name: str) -> HttpResponse:
    """What checks a bundle, to be kept: a page for browsers, a script for Python."""
    made = {"check.html": bundle.page, "check.py": bundle.check_script}.get(name)
    if made is None:
        raise Http404
    return HttpResponse(
        made(),
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@csrf_exempt
@require_POST
def add_checkpoint(request: HttpRequest) -> HttpResponse:
    """Cosign another site's checkpoint (C2SP tlog-witness); its signature is its pass."""
    try:
        witness = site_witness()
    except LedgerError as error:
        return _response(said(503, str(error)))
    return _response(witness.add_checkpoint(request.read(MAX_BODY_BYTES + 1)))


@require_safe
def cosigned_checkpoint(request: HttpRequest, origin_hash: str) -> HttpResponse:
    """The last checkpoint cosigned of a log, for whoever watches it."""
    try:
        return _response(site_witness().latest(origin_hash))
    except LedgerError as error:
        return _response(said(503, str(error)))


def site_witness() -> Witness:
    """This site as a witness of the logs in its policy, its own log apart."""
    return Witness(
        name=witness_name(),
        signer=witness_signer(),
        logs={log.name: log.key for log in policy().logs if log.name != origin()},
        store=TableWitnessStore(told_by=witness_name()),
    )


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(
        answer.body,
        status=answer.status,
        content_type=answer.content_type,
        headers=dict(answer.headers),
    )
