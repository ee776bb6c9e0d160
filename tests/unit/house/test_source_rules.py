"""The limits of the house: sizes, names, docstrings and prints, read from the source itself."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.unit.house.repository import CODE, PACKAGES, functions, name_of, python_files, tracked_files

FILE_LINES = 500
FUNCTION_LINES = 50
ENDPOINT_LINES = 15
PARAMETERS = 6
DOCSTRING_LINES = 5
GRAB_BAGS = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "base", "misc", "tools"}
WAIVED = "noqa: PLR0913"

Rule = Callable[[str], Iterable[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def too_long_file(source: str) -> Iterator[str]:
    lines = len(source.splitlines())
    if lines > FILE_LINES:
        yield f"{lines} lines: split it by what changes together"


def too_long_function(source: str) -> Iterator[str]:
    for node in functions(ast.parse(source)):
        if (lines := _length(node)) > FUNCTION_LINES:
            yield f"line {node.lineno}: {node.name} has {lines} lines"


def too_many_parameters(source: str) -> Iterator[str]:
    """A waiver on the `def` line counts, and an endpoint may declare what it needs: nobody calls it by hand."""
    lines = source.splitlines()
    for node in functions(ast.parse(source)):
        if _is_endpoint(node):
            continue
        given = node.args
        named = {argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
        if len(named - {"self", "cls"}) > PARAMETERS and WAIVED not in lines[node.lineno - 1]:
            yield f"line {node.lineno}: {node.name} takes {len(named)} parameters; make a command of them"


def unexplained_module(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    if not tree.body:
        return
    said = ast.get_docstring(tree)
    if not said:
        yield "no module docstring"
    elif len(said.splitlines()) > DOCSTRING_LINES:
        yield f"a module docstring of {len(said.splitlines())} lines"


def printing(source: str) -> Iterator[str]:
    for call in _calls(source):
        if isinstance(call.func, ast.Name) and call.func.id == "print":
            yield f"line {call.lineno}: print"


def naive_time(source: str) -> Iterator[str]:
    for call in _calls(source):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"utcnow", "utcfromtimestamp"}:
            yield f"line {call.lineno}: {call.func.attr} gives a time without a zone"


def unheld_task(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    groups = {
        ast.unparse(item.optional_vars)
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if item.optional_vars is not None and "TaskGroup" in ast.unparse(item.context_expr)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
            continue
        called = node.value.func
        starts = isinstance(called, ast.Attribute) and called.attr in {"create_task", "ensure_future"}
        if starts and ast.unparse(called).rpartition(".")[0] not in groups:
            yield f"line {node.lineno}: nobody holds this task"


def asserting(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: assert goes away under -O; raise an error"


def swallowing(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}: a bare except also swallows cancellation"


def thick_endpoint(source: str) -> Iterator[str]:
    for node in functions(ast.parse(source)):
        if _is_endpoint(node) and (lines := _length(node)) > ENDPOINT_LINES:
            yield f"line {node.lineno}: {node.name} does {lines} lines of work; an endpoint calls a use case"


def answering_by_hand(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id == "HTTPException":
            yield f"line {node.lineno}: raise a domain error, it is mapped in one place"


def importing_tests(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        else:
            continue
        if any(name.partition(".")[0] == "tests" for name in names):
            yield f"line {node.lineno}: the tests are not installed"


def _is_endpoint(node: Function) -> bool:
    return any("router." in ast.unparse(decorator) for decorator in node.decorator_list)


def _length(node: Function) -> int:
    """Lines of the body without the docstring: a contract that is explained well costs nothing."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (node.end_lineno or node.lineno) - body[0].lineno + 1 if body else 0


def _calls(source: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))


def is_migration(path: Path) -> bool:
    return path.parent.name == "versions"


def long_function(lines: int) -> str:
    return "def long():\n" + "    step()\n" * lines


# rule, the top-level folders it holds for, a source that breaks it, one that just does not
RULES: list[tuple[Rule, tuple[str, ...], str, str]] = [
    (too_long_file, CODE, "x = 1\n" * 501, "x = 1\n" * 500),
    (too_long_function, CODE, long_function(51), long_function(50)),
    (
        too_many_parameters,
        PACKAGES,
        "def wide(a, b, c, *, d, e, f, g): ...",
        "class A:\n    def wide(self, a, b, c, *, d, e, f): ...",
    ),
    (unexplained_module, PACKAGES, "x = 1", '"""Why."""\nx = 1'),
    (unexplained_module, PACKAGES, '"""' + "line\n" * 6 + '"""', ""),
    (printing, ("services", "shared"), "print(1)", "printer.print(1)"),
    (naive_time, CODE, "datetime.utcnow()", "datetime.now(UTC)"),
    (unheld_task, PACKAGES, "asyncio.create_task(f())", "task = asyncio.create_task(f())"),
    (
        unheld_task,
        PACKAGES,
        "loop.create_task(f())",
        "async def f():\n    async with asyncio.TaskGroup() as tasks:\n        tasks.create_task(f())",
    ),
    (
        thick_endpoint,
        ("services",),
        "@router.get('/')\n" + long_function(16),
        "@router.get('/')\n" + long_function(15),
    ),
    (answering_by_hand, ("services",), "raise HTTPException(404)", "raise NotFound('no such ticket')"),
    (importing_tests, PACKAGES, "from tests.support import polling", "from shared import contracts"),
    (asserting, PACKAGES, "assert x", "assert_never(x)"),
    (swallowing, CODE, "try:\n    f()\nexcept:\n    g()", "try:\n    f()\nexcept ValueError:\n    g()"),
]
EVERY_RULE = {rule: tops for rule, tops, _, _ in RULES}


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule: Rule) -> None:
    found = {
        name_of(path): broken
        for path in python_files(*EVERY_RULE[rule])
        if not (rule is too_long_function and is_migration(path))
        if (broken := list(rule(path.read_text(encoding="utf-8"))))
    }
    assert not found


@pytest.mark.parametrize(("rule", "bad"), [(rule, bad) for rule, _, bad, _ in RULES])
def test_the_rule_finds_what_breaks_it(rule: Rule, bad: str) -> None:
    assert list(rule(bad))


@pytest.mark.parametrize(("rule", "good"), [(rule, good) for rule, _, _, good in RULES])
def test_the_rule_leaves_good_source_alone(rule: Rule, good: str) -> None:
    assert not list(rule(good))


def test_no_module_is_a_grab_bag() -> None:
    found = [name_of(path) for path in python_files(*CODE) if path.stem in GRAB_BAGS or path.parent.name in GRAB_BAGS]
    assert not found, "name it after what it knows"


def test_every_test_package_has_unique_modules() -> None:
    missing = {name_of(path.parent) for path in python_files("tests") if not (path.parent / "__init__.py").exists()}
    assert not missing, "without __init__.py mypy and pytest disagree about the module's name"


MACHINE_PATHS = re.compile(
    "|".join(
        [
            r"(?<![\w.])/" + "work/",
            r"(?<![\w.])/" + "root/",
            r"(?<![\w.])/" + "home/[a-z]",
            r"(?<![\w.])/" + "Users/[A-Za-z]",
            r"\.\./" + r"shared/(data|design|domain|conventions|categories|hooks)",
        ]
    )
)
BINARY = {".png", ".jpg", ".gz", ".zip", ".xz", ".parquet"}


def test_no_tracked_file_names_a_machine() -> None:
    found = {}
    for path in tracked_files():
        if path.suffix not in BINARY:
            text = path.read_text(encoding="utf-8", errors="replace")
            if named := [line.strip() for line in text.splitlines() if MACHINE_PATHS.search(line)]:
                found[name_of(path)] = named
    assert not found


@pytest.mark.parametrize(
    "line",
    ["cd /" + "work/main", "open('../" + "shared/data/x.csv')", "/" + "home/ann/x", "/" + "root/.cache"],
)
def test_a_path_of_a_machine_is_recognised(line: str) -> None:
    assert MACHINE_PATHS.search(line)


@pytest.mark.parametrize("line", ["../shared/contracts/events.py", "/network/", "frame/work/x", "/var/lib/minqing"])
def test_an_ordinary_path_is_not_taken_for_one(line: str) -> None:
    assert not MACHINE_PATHS.search(line)


def test_secrets_and_data_are_not_tracked() -> None:
    forbidden = re.compile(r"(^|/)(\.env|demo-keys\.json|id_rsa|.*\.pem|.*\.key)$|^var/|(^|/)__pycache__/")
    assert not [name for name in map(name_of, tracked_files()) if forbidden.search(name)]
