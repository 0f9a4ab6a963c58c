"""Lists every network with its size."""

import json
from argparse import ArgumentParser
from typing import Any

import torch
from django.core.management.base import BaseCommand

from diagnosis.networks.catalogue import CATALOGUE, NetworkSpec, Width
from diagnosis.networks.counting import MACS_RULE, count_macs, count_parameters


class Command(BaseCommand):
    help = "Lists every network: input, parameters, multiply–accumulates (MACs)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="write a JSON list")

    def handle(self, **options: Any) -> None:
        rows = [describe(spec, width) for spec in CATALOGUE.values() for width in Width]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False))
            return
        self.stdout.write(
            f"{'network':<20} {'width':<8} {'input':<12} {'parameters':>12}"
            f" {'MACs':>12}"
        )
        for row in rows:
            size = "×".join(str(side) for side in row["input"])
            self.stdout.write(
                f"{row['name']:<20} {row['width']:<8} {size:<12}"
                f" {row['parameters']:>12,} {row['macs'] / 1e9:>10.4f} G"
            )
        self.stdout.write(f"{MACS_RULE}.")


def describe(spec: NetworkSpec, width: Width) -> dict[str, Any]:
    """One row: name, task, width, input as (C, H, W), parameters, MACs with rule."""
    with torch.device("meta"):  # shapes only: nothing is drawn or allocated
        parameters = count_parameters(spec.build(width))
    return {
        "name": spec.name,
        "task": spec.task,
        "width": width.name.lower(),
        "input": list(spec.input),
        "parameters": parameters,
        "macs": count_macs(lambda: spec.build(width), spec.input),
        "macs_rule": MACS_RULE,
    }
