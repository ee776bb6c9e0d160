"""What the command line says when the stack cannot run: always one line that a person can act on."""


class StackError(Exception):
    """A reason, in one line, why a server or the stack did not start."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
