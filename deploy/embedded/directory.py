"""The directories embedded servers live in: made, checked for being writable, and claimed by one process at a time."""

import contextlib
import fcntl
import hashlib
import os
import pwd
import stat
import tempfile
from pathlib import Path

from deploy.embedded.process import RunAs
from deploy.errors import StackError

SOCKET_PATH_LIMIT = 107
UNPRIVILEGED_USERS = ("minqing", "postgres", "nobody")


def make_directory(path: Path, *, run_as: RunAs | None = None, mode: int = 0o700) -> Path:
    """Make `path` (and parents), private to its owner; one line tells when that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if path.stat().st_uid == os.geteuid() or os.geteuid() == 0:
            path.chmod(mode)
        if run_as is not None:
            os.chown(path, run_as.uid, run_as.gid)
    except OSError as error:
        raise StackError(f"the data directory {path} cannot be written: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise StackError(f"the data directory {path} cannot be written: Permission denied")
    return path


class DirectoryClaim:
    """Holds a directory for this process; the kernel lets go when the process ends, however it ends."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "claim.lock"
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        return self._descriptor is not None

    def take(self) -> None:
        """Take the directory or raise `StackError` when another running process holds it."""
        if self._descriptor is not None:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StackError(f"the data directory {self._path.parent} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StackError(
                f"the data directory {self._path.parent} is in use by a running instance (process {holder})"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


def socket_directory(preferred: Path, socket_name: str, *, run_as: RunAs | None = None) -> Path:
    """A private directory short enough for a Unix socket path: `preferred`, else one in the temporary directory
    whose name is derived from it, so that the same data directory finds the same socket again."""
    if len(os.fsencode(preferred / socket_name)) < SOCKET_PATH_LIMIT:
        return make_directory(preferred, run_as=run_as)
    digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"minqing-{os.geteuid()}-{digest}"
    if len(os.fsencode(short / socket_name)) >= SOCKET_PATH_LIMIT:
        short = Path("/tmp") / short.name  # noqa: S108 - private, owned and checked below
    with contextlib.suppress(FileExistsError):
        short.mkdir(mode=0o700)
    found = short.lstat()
    owners = {os.geteuid()} | ({run_as.uid} if run_as is not None else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise StackError(f"the socket directory {short} belongs to somebody else; remove it or set another TMPDIR")
    return make_directory(short, run_as=run_as)


def unprivileged_user(existing: Path) -> tuple[int, int]:
    """Whom a server that refuses to be root runs as: the owner of its data if there is any, else a system user."""
    with contextlib.suppress(OSError):
        owner = existing.stat()
        if owner.st_uid != 0:
            return owner.st_uid, owner.st_gid
    for name in UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise StackError(f"PostgreSQL cannot run as root and none of the users {', '.join(UNPRIVILEGED_USERS)} exists")


def can_reach(path: Path, uid: int, gid: int) -> bool:
    """Whether the user may pass through every directory above `path`."""
    for directory in path.resolve().parents:
        found = directory.stat()
        if found.st_uid == uid:
            needed = stat.S_IXUSR
        elif found.st_gid == gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not found.st_mode & needed:
            return False
    return True


def allow_reading(tree: Path) -> None:
    """Let every user read and run the files of an installed wheel that a strict umask has closed."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        wanted = mode | stat.S_IRGRP | stat.S_IROTH
        if mode & stat.S_IXUSR:
            wanted |= stat.S_IXGRP | stat.S_IXOTH
        if wanted != mode:
            path.chmod(wanted)
