"""Other versions of the networks for tests: the shipped pair under another manifest."""

import dataclasses
from pathlib import Path
from typing import Any

from diagnosis.actions.versions import register_version
from diagnosis.grading.manifest import DEFAULT_WEIGHTS, MANIFEST, read_manifest
from diagnosis.models import ModelVersion
from tests.environment import VAR

SHIPPED = read_manifest(DEFAULT_WEIGHTS)[0].version
"""What the first version of a site is called."""


def weights_named(name: str, **fields: Any) -> Path:
    """A folder with the shipped networks, whose manifest says something else.

    With ``least_area=1.0`` it finds no kidney in anything.
    """
    folder = VAR / "weights" / f"{name}-{hash(tuple(sorted(fields.items())))}"
    if not folder.exists():
        folder.mkdir(parents=True)
        for file in DEFAULT_WEIGHTS.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        manifest, _digest = read_manifest(DEFAULT_WEIGHTS)
        changed = dataclasses.replace(manifest, version=name, **fields)
        (folder / MANIFEST).write_bytes(changed.to_json())
    return folder


def registered(name: str, **fields: Any) -> ModelVersion:
    """Such a folder as a registered version."""
    return register_version(
        folder=weights_named(name, **fields),
        intended_use="Comparing.",
        warnings="It is a test's.",
        approved_by="Ada Adminson",
    )
