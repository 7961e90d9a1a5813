"""Certificates of the test's own: an authority, and what it vouches for."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_SUBJECT = "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n"


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1, its key, and the certificate of the authority that signed it."""

    file: Path
    key: Path
    authority: Path

    def redis_options(self) -> tuple[str, ...]:
        """What a redis-server takes."""
        files = ("--tls-cert-file", str(self.file), "--tls-key-file", str(self.key))
        return (*files, "--tls-ca-cert-file", str(self.authority), "--tls-auth-clients", "optional")


def issue(folder: Path, name: str = "server") -> Certificate:
    """Make an authority and a certificate in `folder`; skips the test where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl on PATH")
    folder.mkdir(parents=True, exist_ok=True)
    authority, its_key = folder / f"{name}-ca.pem", folder / f"{name}-ca.key"
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key", authority)
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(_SUBJECT)
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    _openssl(*new, "-x509", "-subj", f"/CN={name} authority", "-days", "2", "-keyout", its_key, "-out", authority)
    _openssl(*new, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
    signed = ("-CA", authority, "-CAkey", its_key, "-CAcreateserial", "-extfile", extensions, "-days", "2")
    _openssl("x509", "-req", "-in", request, *signed, "-out", made.file)
    made.key.chmod(0o644)  # redis-server and PostgreSQL run as other users
    return made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)
