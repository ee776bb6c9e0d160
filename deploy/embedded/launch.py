"""Becomes another program after dropping privileges and asking to be told when its parent dies.

Run as a file by a bare interpreter (`python -I -S launch.py ... -- program args`): standard library only, and the
program keeps the process id the parent knows. Between fork and exec of a threaded parent nothing of this is safe.
"""

import argparse
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_READ_SEARCH = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityData(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def drop_to(uid: int, gid: int, *, keep_search: bool) -> None:
    """Give up root for good.

    With `keep_search` the one capability to enter and read directories stays, so that a server whose files lie below
    a directory only root may enter (a clone in root's home) can reach them without anybody's permissions being widened.
    """
    libc = _libc()
    if keep_search:
        _checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)
    if keep_search:
        mask = 1 << CAP_DAC_READ_SEARCH
        header = _CapabilityHeader(LINUX_CAPABILITY_VERSION_3, 0)
        data = (_CapabilityData * 2)()
        data[0].effective = data[0].permitted = data[0].inheritable = mask
        _checked(libc.capset(ctypes.byref(header), ctypes.byref(data)), "set capabilities")
        _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0), "raise capability")


def die_with_parent(parent: int, signal_number: int) -> None:
    """Ask the kernel for `signal_number` when the parent ends, however it ends (Linux; elsewhere nothing)."""
    if not sys.platform.startswith("linux"):
        return
    _checked(_libc().prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "watch the parent")
    if os.getppid() != parent:
        raise SystemExit("the parent is already gone")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int)
    parser.add_argument("--death-signal", type=int)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--keep-search", action="store_true")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args(arguments)
    if options.uid is not None:
        drop_to(options.uid, options.gid, keep_search=options.keep_search)
    if options.death_signal is not None:
        die_with_parent(options.parent, options.death_signal)
    os.execv(options.program[0], options.program)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        raise SystemExit(f"cannot start: {error}") from error
