"""Runs a real IPFS node from npm on loopback, with a repository of its own."""

import fcntl
import json
import os
import secrets
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
# The command line cannot take a swarm key, the library beneath it can.
PRIVATE_DAEMON = """\
import { readFileSync } from 'node:fs'
import { Daemon } from 'ipfs-daemon'
import { createLibp2p } from 'libp2p'
import { preSharedKey } from 'libp2p/pnet'

const repo = process.env.IPFS_PATH
const psk = readFileSync(`${repo}/swarm.key`)
const daemon = new Daemon({
  repo,
  preload: { enabled: false },
  libp2p: ({ libp2pOptions }) =>
    createLibp2p({ ...libp2pOptions, connectionProtector: preSharedKey({ psk }) })
})
await daemon.start()
console.log('Daemon is ready')
process.on('SIGTERM', async () => { await daemon.stop(); process.exit(0) })
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
        (folder / "private-daemon.mjs").write_text(PRIVATE_DAEMON)
        package = json.dumps(PACKAGE)
        done = folder / "installed.json"
        if not done.exists() or done.read_text() != package:
            (folder / "package.json").write_text(package)
            command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_SECONDS)
            done.write_text(package)
    return folder


def new_swarm_key():
    """Return the file that lets nodes into one private swarm."""
    return f"/key/swarm/psk/1.0.0/\n/base16/\n{secrets.token_hex(32)}\n"


class IpfsDaemon:
    """A node that its context starts and stops; it knows no other node.

    Args:
        packages: what ``install`` returned.
        repo: an empty folder for its keys and blocks.
        swarm_key: what ``new_swarm_key`` returned; it then speaks to no node
            without the same one.
    """

    def __init__(self, packages, repo, *, swarm_key=None):
        self.repo = repo
        self._swarm_key = swarm_key
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(repo),
            "IPFS_PATH": str(repo),
        }
        node = ["node", f"--require={packages / 'preload.cjs'}"]
        self._command = [*node, str(packages / "node_modules/ipfs/src/cli.js")]
        self._daemon = [*self._command, "daemon"]
        if swarm_key:
            self._daemon = [*node, str(packages / "private-daemon.mjs")]
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
        if self._swarm_key:
            (self.repo / "swarm.key").write_text(self._swarm_key)
        self.start()
        return self

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                self._daemon,
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

    def kill(self):
        """End it as a power cut would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

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
