"""What the fork server is asked to run in its tests: tells what it was given, then ends as told."""

import os
import signal
import sys
import time


def main() -> None:
    how, *rest = sys.argv[1:]
    print("given", *rest, os.environ.get("COLOUR"), os.environ.get("PATH"), os.getsid(0) == os.getpid(), flush=True)
    if how == "wait":
        time.sleep(60)
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exit":
        sys.exit(int(rest[0]))
    if how == "refuse":
        sys.exit("I will not")
    if how == "fail":
        raise ValueError("out of order")


if __name__ == "__main__":
    main()
