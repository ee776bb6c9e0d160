"""Modules put off until they are used: nothing is loaded by importing them, everything by the first use."""

import subprocess
import sys

PROGRAM = """
import sys
from shared.lazy_imports import load_when_used
{body}
"""


def _run(body: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(body=body)], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_loads_nothing_and_using_loads_all() -> None:
    loaded = "print('mailbox._Mailbox' if 'email.generator' in sys.modules else 'nothing')"
    body = f"load_when_used('mailbox'); import mailbox; {loaded}; mailbox.Mailbox; {loaded}"
    assert _run(body) == ["nothing", "mailbox._Mailbox"]


def test_submodule_of_a_put_off_package_is_found() -> None:
    assert _run("load_when_used('xml'); from xml.dom import Node; print(Node.ELEMENT_NODE)") == ["1"]


def test_module_that_is_not_there_still_fails_when_imported() -> None:
    body = "load_when_used('no_such_module')\ntry:\n    import no_such_module\nexcept ImportError:\n    print('absent')"
    assert _run(body) == ["absent"]


def test_redis_does_not_bring_cryptography_into_a_process_that_checks_no_token() -> None:
    body = "import redis.asyncio; print('jwt.algorithms' in sys.modules, 'jwt.api_jwk' in sys.modules)"
    assert _run(body) == ["False", "False"]
