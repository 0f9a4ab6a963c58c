"""What devices send in the tests, and how they are answered."""

from typing import Any

from django.test import Client

from tests.diagnosis.imaging.files import dataset, picture, saved

BOUNDARY = "a-boundary"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def instance(seed: int = 0, **elements: Any) -> bytes:
    """A DICOM ultrasound with a SOP Instance UID of its own, unless one is given."""
    return bytes(saved(dataset(picture(seed=seed), **elements)))


def related_body(*contents: bytes, media_type: str = "application/dicom") -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: {media_type}\r\n\r\n".encode()
    parts = b"".join(head + content + b"\r\n" for content in contents)
    return parts + f"--{BOUNDARY}--\r\n".encode()


def store(
    token: str,
    *contents: bytes,
    to: str = "/dicom-web/studies",
    body: bytes | None = None,
    content_type: str = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
    **headers: str,
) -> Any:
    return Client().post(
        to,
        related_body(*contents) if body is None else body,
        content_type=content_type,
        headers=bearer(token) | headers,
    )


def send_image(
    token: str, content: bytes, media_type: str = "image/png", **headers: str
) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().post(
        "/api/images/", content, content_type=media_type, headers=bearer(token) | named
    )


def reasons(response: Any) -> list[int]:
    """The failure reasons of a store response, in its order."""
    answer = response.json()
    items = [
        *answer.get("00081198", {}).get("Value", []),
        *answer.get("0008119A", {}).get("Value", []),
    ]
    return [item["00081197"]["Value"][0] for item in items]


def kept(response: Any) -> list[str]:
    """The SOP Instance UIDs that a store response says are kept."""
    items = response.json().get("00081199", {}).get("Value", [])
    return [item["00081155"]["Value"][0] for item in items]
