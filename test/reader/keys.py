# The keys of a root folder: .auth, and who else can read what only the owner should (sections 3 and 18).

from __future__ import annotations

import re
from pathlib import Path

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from basics import Bad
from format_file import Format
from notes import VerifierKey, origin_name, parse_verifier_key
from report import Report


def check_modes(root: Path, report: Report) -> None:
    for name in (".runtime", ".tree", ".auth", ".db"):
        if (root / name).exists() and (root / name).stat().st_mode & 0o077:
            report.remark(f"{name} can be read by others")
    for path in sorted((root / ".auth").glob("*.pem")):
        if path.stat().st_mode & 0o177:
            report.remark(f".auth/{path.name} has not mode 0600")


def read_keys(root: Path, form: Format, report: Report) -> list[VerifierKey]:
    """The keys of .auth, each private one checked against its public one."""
    keys = []
    pattern = re.compile(r"log-(0|[1-9][0-9]{0,5})\.vkey")
    paths = sorted((root / ".auth").glob("log-*.vkey"))
    newest = max((int(match[1]) for path in paths if (match := pattern.fullmatch(path.name))), default=0)
    for path in paths:
        match = pattern.fullmatch(path.name)
        key = report.attempt(f".auth/{path.name}", _read_key, path) if match else None
        if key is None:
            continue
        if key.name != origin_name(form.log_id, int(match[1])):
            other = f".auth/{path.name} is of another log: {key.name}"
            if int(match[1]) == newest:
                report.damaged(".runtime/format", f"its log id is not the one of the key: {other}")
            else:
                report.remark(other)
        keys.append(key)
        if path.with_suffix(".pem").exists():
            report.attempt(f".auth/{path.stem}.pem", _check_private, path.with_suffix(".pem"), key)
    return keys


def _read_key(path: Path) -> VerifierKey:
    text = path.read_bytes().decode("utf-8", "replace")
    if not text.endswith("\n"):
        raise Bad("no newline at its end")
    return parse_verifier_key(text[:-1])


def _check_private(path: Path, key: VerifierKey) -> None:
    data = path.read_bytes()
    try:
        private = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError) as error:
        raise Bad("no private key in PEM") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Bad("no Ed25519 key")
    forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    if private.private_bytes(*forms) != data:
        raise Bad("a private key that is not in the one spelling")
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    if public != key.public:
        raise Bad("its public key is not that of the .vkey beside it")
