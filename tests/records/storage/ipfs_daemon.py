"""Runs a real IPFS node from npm on loopback, with a repository of its own."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

# js-ipfs is archived; these keep its dependencies at the last versions that fit.
VERSION = "0.66.1"
PACKAGE = {
    "name": "anamnesis-test-ipfs",
    "private": True,
    "dependencies": {"ipfs": VERSION},
    "overrides": {
        "@multiformats/multiaddr": "11.6.1",
        "@multiformats/mafmt": "11.1.2",
        "@libp2p/tcp": "6.1.2",
    },
}
# Node 20 has no Promise.withResolvers, which a dependency takes for granted.
PRELOAD = """\
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}
"""
CONFIG = {
    "Addresses": {
        "Swarm": ["/ip4/127.0.0.1/tcp/0"],
        "API": "/ip4/127.0.0.1/tcp/0",
        "RPC": "/ip4/127.0.0.1/tcp/0",
        "Gateway": "",
        "Delegates": [],
    },
    "Bootstrap": [],
    "Discovery": {"MDNS": {"Enabled": False}, "webRTCStar": {"Enabled": False}},
    "Swarm": {"DisableNatPortMap": True},
}
INSTALL_SECONDS = 900
START_SECONDS = 60


def missing_tools():
    """Name what this machine lacks to run the node."""
    return [tool for tool in ("node", "npm") if shutil.which(tool) is None]


def cache_folder():
    """Return where the node's packages lie between runs, outside the clone."""
    given = os.environ.get("ANAMNESIS_CACHE")
    home = Path(given) if given else Path.home() / ".cache" / "anamnesis"
    return home / "ipfs" / VERSION


def install():
    """Install the node's packages once, whichever test process comes first."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "preload.cjs").write_text(PRELOAD)
        package = json.dumps(PACKAGE)
        done = folder / "installed.json"
        if not done.exists() or done.read_text() != package:
            (folder / "package.json").write_text(package)
            command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_SECONDS)
            done.write_text(package)
    return folder


class IpfsDaemon:
    """A node that its context starts and stops; it knows no other node.

    Args:
        packages: what ``install`` returned.
        repo: an empty folder for its keys and blocks.
    """

    def __init__(self, packages, repo):
        self.repo = repo
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(repo),
            "IPFS_PATH": str(repo),
        }
        self._command = [
            "node",
            f"--require={packages / 'preload.cjs'}",
            str(packages / "node_modules" / "ipfs" / "src" / "cli.js"),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def api(self):
        """The RPC address, as multiaddr."""
        return (self.repo / "api").read_text().strip()

    @property
    def log(self):
        return self.repo / "daemon.log"

    def __enter__(self):
        config = self.repo / "first-config.json"
        config.write_text(json.dumps(CONFIG))
        init = ["init", "--algorithm=ed25519", "--empty-repo", str(config)]
        subprocess.run(
            self._command + init,
            env=self._environment,
            check=True,
            capture_output=True,
            timeout=START_SECONDS,
        )
        self.start()
        return self

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [*self._command, "daemon"],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while "Daemon is ready" not in self.log.read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"IPFS did not start:\n{self.log.read_text()}")
            time.sleep(0.1)

    def stop(self):
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
