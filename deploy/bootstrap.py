"""Makes `.venv` from a lock file with nothing but a Python: what every target of the Makefile calls first.

Does nothing when what is installed came from the same locks. Written so that an old Python can read it and say so.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNTIME_LOCK = "requirements.lock"
DEVELOPMENT_LOCK = "requirements-dev.lock"


def digest(lock: str) -> str:
    """One hash over what decides what is installed and how: the lock and the package's own description."""
    import tomllib

    total = hashlib.sha256()
    with open(os.path.join(ROOT, lock), "rb") as stream:
        total.update(stream.read())
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as stream:
        description = tomllib.load(stream)
    parts = [description["build-system"], description["project"], description["tool"]["hatch"]]
    total.update(json.dumps(parts, sort_keys=True).encode())
    return total.hexdigest()


def read_stamp(path: str) -> "dict[str, str]":
    try:
        with open(path, encoding="utf-8") as stream:
            return dict(json.load(stream))
    except (OSError, ValueError, TypeError):
        return {}


def run(*command: str) -> int:
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    environment.pop("PYTHONPATH", None)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def works(python: str) -> bool:
    """Whether the environment's interpreter still runs: the one it was made from may be gone."""
    if not os.path.exists(python):
        return False
    try:
        return subprocess.run([python, "-c", ""], check=False, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def make_environment(venv: str, python: str) -> None:
    if works(python):
        return
    say("making %s with Python %d.%d" % (os.path.relpath(venv), sys.version_info[0], sys.version_info[1]))
    if run(sys.executable, "-m", "venv", "--clear", venv) != 0:
        fail("Python's venv module could not make %s (on Debian and Ubuntu: apt install python3-venv)" % venv)


def install(venv: str, development: bool) -> None:
    """Install what the wanted lock says, unless it is there; holds a lock against a second make at the same time."""
    python = os.path.join(venv, "bin", "python")
    stamp = os.path.join(venv, ".minqing-installed.json")
    wanted = {"runtime": digest(RUNTIME_LOCK)}
    if development:
        wanted["development"] = digest(DEVELOPMENT_LOCK)
    installed = read_stamp(stamp)
    if all(installed.get(kind) == value for kind, value in wanted.items()) and works(python):
        return
    make_environment(venv, python)
    lock = DEVELOPMENT_LOCK if development else RUNTIME_LOCK
    say("installing %s" % lock)
    # Compiling every module of every package takes as long as all the rest; what is used compiles itself at first use.
    pip = (python, "-m", "pip", "install", "-qq", "--no-compile")
    if run(*pip, "--require-hashes", "--requirement", lock) != 0:
        fail("the packages of %s could not be installed; is there a connection to a package index?" % lock)
    if run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT) != 0:
        fail("the package itself could not be installed")
    with open(stamp, "w", encoding="utf-8") as stream:
        json.dump(wanted, stream)


def say(line: str) -> None:
    print("minqing: " + line, flush=True)


def fail(reason: str) -> None:
    sys.exit("minqing: " + reason)


def main() -> None:
    if sys.version_info < OLDEST:
        fail("Python %d.%d or newer is needed, this is %s" % (*OLDEST, sys.version.split()[0]))
    parser = argparse.ArgumentParser()
    parser.add_argument("--venv", default=os.path.join(ROOT, ".venv"))
    parser.add_argument("--dev", action="store_true")
    options = parser.parse_args()
    venv = os.path.abspath(options.venv)
    try:
        import fcntl

        with open(os.path.join(os.path.dirname(venv), ".venv.lock"), "w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            install(venv, options.dev)
    except OSError as error:
        fail("%s cannot be written: %s" % (error.filename or venv, error.strerror))


if __name__ == "__main__":
    main()
