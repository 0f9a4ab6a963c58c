"""The scanner's own queue: a folder that outlives both sides."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Queue:
    """Files that wait, in the order of their names; what was refused lies apart."""

    folder: Path

    def put(self, name: str, content: bytes) -> Path:
        """Keep a file; durable on return, whole or not there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, draft = self.folder / name, self.folder / f".{name}.part"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        return path

    def waiting(self) -> list[Path]:
        """What is still to be sent, the first first."""
        if not self.folder.is_dir():
            return []
        files = (path for path in self.folder.iterdir() if path.is_file())
        return sorted(path for path in files if not path.name.startswith("."))

    def done(self, path: Path) -> None:
        """Forget a file that the portal has acknowledged."""
        path.unlink()

    def refuse(self, path: Path, sentence: str) -> None:
        """Lay a file aside that the portal will not take, with why."""
        apart = self.folder / "refused"
        apart.mkdir(exist_ok=True)
        (apart / f"{path.name}.txt").write_text(f"{sentence}\n", encoding="utf-8")
        path.rename(apart / path.name)
