"""Checks a bundle of ledger entries, trusting nobody but the keys that it prints.

Run: python check.py BUNDLE [POLICY]: the zip, or its folder; a policy of your own.
Exit status: 0 intact, 1 wrong, 2 unreadable, 3 signed but not witnessed by enough.
"""

import json
import re
import sys
import zipfile
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey as Key

KINDS = {*range(1, 5), *range(10, 18), 20, 21, 23, *range(30, 35), *range(40, 47), 50}
KINDS |= {*range(60, 63), *range(70, 74), 90, 91, *range(100, 113)}
SPKI = bytes.fromhex("302a300506032b6570032100")  # what DER puts before an Ed25519 key
NOTE = "((.+)\n(0|[1-9][0-9]*)\n(.+)\n(?:.+\n)*)\n((?:— [^\\s+]+ .+\n)+)"
PROOF = "c2sp[.]org/tlog-proof@v1\n(?:extra .*\n)?index %d\n((?:.+\n)*)\n"
LOOSE = "surrogateescape"  # whatever bytes a policy's comments have
JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _check(holds: object, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)


def _unbase64(text: str, length: int) -> bytes:
    data = b64decode(text)
    _check(b64encode(data).decode() == text and len(data) == length, "bad base64")
    return data


def _signer(vkey: str, kind: int, keys: list[bytes], text: str, lines: str) -> str:
    name, key_id, encoded = vkey.split("+", 2)
    key, start = _unbase64(encoded, 33), f"{name}\n".encode(errors=LOOSE)
    own_id = sha256(start + key).digest()[:4]
    sound = own_id.hex() == key_id and [name] == name.split() and key[0] == kind
    _check(sound and key not in keys, f"the policy has a bad key: {vkey}")
    keys.append(key)
    found = re.findall(f"— {re.escape(name)} (.+)\n", lines)
    for line in (mine := [each for each in found if b64decode(each)[:4] == own_id]):
        stamp = _unbase64(line, {1: 68, 4: 76}[kind])
        timed = any(stamp[4:12]) and stamp[4] < 128
        _check(timed or kind == 1, f"a cosignature of {name} names no time")
        time = f"cosignature/v1\ntime {int.from_bytes(stamp[4:12])}\n" * (kind == 4)
        Key.from_public_bytes(key[1:]).verify(stamp[-64:], f"{time}{text}".encode())
    return name if mine else ""


def _head(policy: str, note: str) -> tuple[str, int, bytes, bool]:
    found: Any = re.fullmatch(NOTE, note)
    _check(found and not re.search("[\0-\t\x0b-\x1f]", note), "the checkpoint is bad")
    text, origin, size, root, lines = found.groups()
    _check(not re.search("[\0-\x08\x0b-\x1f\x7f]", policy), "the policy is bad")
    free, met, keys = {"none": False}, {"none"}, list[bytes]()  # free: in no group yet
    for line in policy.split("\n"):
        match words := re.split("[ \t]+", line.strip(" \t")):
            case ["log", vkey] | ["log", vkey, _]:
                met.add(f"log {_signer(vkey, 1, keys, text, lines)}")
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                _check(name not in free, f"the policy has the name {name} twice")
                met.add(name if _signer(vkey, 4, keys, text, lines) else "")
                free[name] = True
            case ["group", name, k, *members] if members and name not in free:
                least = {"any": 1, "all": len(members)}.get(k) or int(k.encode())
                sound = k.isalnum() and len({*members}) == len(members) >= least > 0
                _check(sound and all(map(free.get, members)), f"a bad group: {name}")
                met.add(name if len(met.intersection(members)) >= least else "")
                free |= {name: True, **dict.fromkeys(members, False)}
            case ["quorum", name] if name in free and "" not in free:
                free[""] = name in met
            case _:
                _check(words[0][:1] in "#", f"the policy has a bad line: {line}")
    _check("" in free, "the policy has no quorum")
    _check(f"log {origin}" in met, "the checkpoint is not signed by its log")
    return origin, int(size), _unbase64(root, 32), free[""]


def _entry(seq: int, data: bytes, path: list[str], head: Any, told: Any) -> bytes:
    (origin, size, root, _), (authors, opening) = head, told
    said, log = data[70:-67], sha256(origin.encode()).digest()[:16]
    sound = data[:28] == b"AML1" + log + seq.to_bytes(8) and data[60] < 128
    sound &= int.from_bytes(data[68:70]) == len(said) and said[86] == len(said) - 185
    sound &= int.from_bytes(said[20:22]) in KINDS and said[87:-98][:1] in b"\1"
    _check(sound and data[-69:-64] == b"\0\0\1\0@", "its bytes are not this entry's")
    leaf = node = sha256(b"\0" + data).digest()
    index, last = seq, size - 1
    for sibling in [_unbase64(line, 32) for line in path]:
        while last and index == last and not index & 1:
            index, last = index >> 1, last >> 1  # goes up without a sibling
        _check(last > 0, "its path is too long")
        pair = sibling + node if index & 1 else node + sibling
        node, index, last = sha256(b"\1" + pair).digest(), index >> 1, last >> 1
    _check(seq < size and last == 0 and node == root, "it is not in the ledger")
    der = _unbase64(authors[said[22:54].hex()], 44)
    _check(der[:12] == SPKI and sha256(der).digest() == said[22:54], "a false author")
    Key.from_public_bytes(der[12:]).verify(data[-64:], b"AML1-statement\n" + log + said)
    if opening is not None:
        salt, subject = (bytes.fromhex(opening[name]) for name in ("salt", "subject"))
        sound = [salt.hex(), subject.hex()] == [opening["salt"], opening["subject"]]
        _check(sound and len(salt) == 32 and subject, "its opening is bad")
        facts = JSON.encode(opening["metadata"]).encode()
        tags = [sha256(b"AML1-subject" + salt + subject).digest()]
        tags += [sha256(b"AML1-meta" + salt + facts).digest()]
        _check(tags == [said[54:86], said[-34:-2]], "it is not what it is opened to")
    return leaf


def main(arguments: list[str]) -> int:
    """Say what holds and what does not; returns the exit status."""
    say, part, status = sys.stdout.write, "this bundle cannot be read", 2
    try:
        path = Path(arguments[0] if arguments else __file__ + "/..")
        root: Any = path if path.is_dir() else zipfile.Path(path)
        at = [*(root / "entries").iterdir(), *root.iterdir()]
        files = {file.name: file.read_bytes() for file in at if file.is_file()}
        policy = Path(arguments[1]).read_bytes() if arguments[1:] else files["policy"]
        checkpoint, told = files["checkpoint"], files["told.json"].decode()
        bundle = json.loads(told)
        _check(JSON.encode(bundle) == told and bundle["entries"], "told.json is bad")
        part, status = "wrong: policy or checkpoint", 1
        head = _head(policy.decode(errors=LOOSE), note := checkpoint.decode())
        leaves = {-1: sha256(head[0].encode()).digest()}
        for entry in sorted(bundle["entries"], key=lambda entry: entry["seq"]):
            seq, opened = entry["seq"], (bundle["authors"], entry["opening"])
            part, n = f"wrong: entry {seq}", f"{seq:012d}"
            data, proof = files.pop(f"{n}.entry"), files.pop(f"{n}.tlog-proof").decode()
            found: Any = re.fullmatch(PROOF % seq, proof[: -len(note)])
            _check(found and proof.endswith(note), "its proof is another's")
            leaves[seq] = _entry(seq, data, found[1].split("\n")[:-1], head, opened)
            _check(leaves.get(seq - 1, data[28:60]) == data[28:60], "the chain is torn")
            say(f"entry {seq} holds, kind {data[91]}; told of it: {entry['told']!a}\n")
        part, left = "wrong: told.json", re.search("(entry|proof)['\"]", f"{[*files]}")
        _check(bundle["origin"] == head[0] and not left, "another ledger or entry")
    except Exception as why:  # noqa: BLE001 - a forged bundle may break anything
        say(f"{part}: {str(why)!a}\n")
        return status
    keys = f"{policy.decode('ascii', 'backslashreplace')}{[*bundle['authors']]!a}"
    say(f"All rests on these keys; compare them with those published:\n{keys}\n")
    say("intact\n" if head[3] else "signed, not yet witnessed by enough\n")
    return 0 if head[3] else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
