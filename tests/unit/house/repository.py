"""What the house tests look at: the tracked files, the source files, the public rules of the layout."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("services", "shared", "deploy")
CODE = (*PACKAGES, "tests")
NOT_OURS = {".venv", "var", "build", "dist", "node_modules", "__pycache__"}


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file of the repository: what git tracks or would track, or, outside a clone, what lies there."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        names = listing.stdout.decode("utf-8").split("\0")
        return tuple(sorted(path for name in names if name and (path := ROOT / name).is_file()))
    return tuple(sorted(path for path in ROOT.rglob("*") if path.is_file() and not _is_foreign(path)))


def _is_foreign(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(part in NOT_OURS or part.startswith(".") for part in parts[:-1])


@cache
def python_files(*tops: str) -> tuple[Path, ...]:
    """Python files below the named top-level folders."""
    return tuple(path for path in tracked_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in tops)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
