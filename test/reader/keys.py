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
    if not paths:
        report.damaged(".auth", "no public key, though those of all epochs stay")
    found: list[tuple[int, VerifierKey]] = []
    for path in paths:
        match = pattern.fullmatch(path.name)
        key = report.attempt(f".auth/{path.name}", _read_key, path) if match else None
        if key is None:
            continue
        found.append((int(match[1]), key))
        keys.append(key)
        if path.with_suffix(".pem").exists():
            report.attempt(f".auth/{path.stem}.pem", _check_private, path.with_suffix(".pem"), key)
    _check_names(found, form, report)
    return keys


def _check_names(found: list[tuple[int, VerifierKey]], form: Format, report: Report) -> None:
    """One has the log id of the folder; those before it that of the folder, or one that the folder had before."""
    ours = [epoch for epoch, key in found if key.name == origin_name(form.log_id, epoch)]
    if found and not ours:
        report.damaged(".runtime/format", f"its log id is not the one of the key: {max(found)[1].name}")
        return
    for epoch, key in found:
        if not any(key.name == origin_name(log_id, epoch) for log_id in [form.log_id, *form.earlier]):
            report.remark(f".auth/log-{epoch}.vkey is of another log, as of an adoption that was not finished: {key.name}")


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
