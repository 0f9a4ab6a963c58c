"""Founds witnesses of one log on this machine, so that a trial is witnessed for real."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.policy import Party, format_policy, k_of_n
from ledger.witnessing.folder import WitnessFolder

MARK = "# Written anew at each start of the demo, until this line is taken out.\n"


@dataclass(frozen=True)
class Founded:
    """A witness that waits to be started."""

    name: str
    folder: Path
    bind: str


def found_witnesses(
    folders: Mapping[str, tuple[Path, str]],
    *,
    log: Party,
    needed: int,
    policy: Path,
    mirrors: Path,
    first_port: int,
) -> list[Founded]:
    """Make witnesses, or find them again, and write down who they are.

    Args:
        folders: by name in the policy: where each lives, its key name.
        log: what they witness, with its address.
        needed: how many must cosign.
        policy: the file to write; all of them read it, and so does the log's site.
        mirrors: the file that lets them copy the log.
        first_port: of the loopback, where the first would like to listen.
    """
    founded, parties, admitted = [], [], []
    for place, (name, (path, key_name)) in enumerate(folders.items()):
        witness = WitnessFolder(path, name=key_name)
        bind = f"127.0.0.1:{_free_port(first_port + place)}"
        founded.append(Founded(name, path, bind))
        parties.append(Party(name, witness.key, f"http://{bind}"))
        admitted.append(f"{witness.mirror_key}\n")
    text = format_policy(k_of_n((log,), tuple(parties), needed))
    policy.write_text(f"{MARK}{text}", encoding="utf-8")
    mirrors.write_text("".join([MARK, *admitted]), encoding="utf-8")
    return founded


def is_somebodys(path: Path) -> bool:
    """Whether a policy was written, or changed, by a person."""
    return path.exists() and not path.read_text("utf-8").startswith(MARK)


def _free_port(wished: int) -> int:
    """The port wished for, or any that is free."""
    for port in (wished, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise OSError("No port of the loopback is free.")
