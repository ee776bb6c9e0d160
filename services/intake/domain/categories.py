"""The category tree: two levels or more, never deleted, only retired with a successor (section 5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import HandlingMode, Urgency

_LONGEST_CHAIN: Final = 20


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of matter with its defaults; type, urgency and mode stay fields of their own."""

    code: str
    name: str
    name_zh: str = ""
    level: int = 2
    parent_code: str | None = None
    urgency: Urgency | None = None
    mode: HandlingMode | None = None
    location_required: bool = False
    confidential: bool = False
    object_kind: str = ""
    retired: bool = False
    successor_code: str | None = None
    version: int = 1


Tree = Mapping[str, Category]


def usable_category(tree: Tree, code: str) -> Category:
    """Return the category. Raises InvalidInput for an unknown or retired one, telling what to use instead."""
    category = tree.get(code)
    if category is not None and not category.retired:
        return category
    if category is None:
        problem = FieldProblem("/category_code", "there is no such category")
        raise InvalidInput("The category does not exist.", [problem])
    successor = current_successor(tree, category)
    if successor is None:
        problem = FieldProblem("/category_code", f"category {code} is retired")
    else:
        problem = FieldProblem(
            "/category_code", f"category {code} is retired; its successor is {successor.code}", [successor.code]
        )
    raise InvalidInput("The category is retired.", [problem])


def with_those_below(tree: Tree, code: str) -> tuple[str, ...]:
    """Return the code and those of every category below it; a code that is not in the tree stands for itself."""
    children: dict[str, list[str]] = {}
    for category in tree.values():
        if category.parent_code is not None:
            children.setdefault(category.parent_code, []).append(category.code)
    found = {code: None}
    waiting = [code]
    while waiting:
        below = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(dict.fromkeys(below))
        waiting.extend(below)
    return tuple(found)


def current_successor(tree: Tree, category: Category) -> Category | None:
    """Follow the successors of a retired category to one in use, if they lead to one."""
    for _ in range(_LONGEST_CHAIN):
        following = tree.get(category.successor_code or "")
        if following is None or not following.retired:
            return following
        category = following
    return None


def check_change(tree: Tree, changed: Category) -> None:
    """Check a new or changed category against the rest of the tree. Raises InvalidInput naming every fault."""
    problems = list(_problems_of_change(tree, changed))
    if problems:
        raise InvalidInput("The category does not fit into the tree.", problems)


def _problems_of_change(tree: Tree, changed: Category) -> Iterator[FieldProblem]:
    if changed.parent_code is not None:
        if changed.parent_code not in tree:
            yield FieldProblem("/parent_code", "there is no such category")
        elif _is_below(tree, changed.parent_code, changed.code):
            yield FieldProblem("/parent_code", "a category cannot lie below itself")
    if changed.successor_code is not None:
        if not changed.retired:
            yield FieldProblem("/successor_code", "only a retired category has a successor")
        if changed.successor_code not in tree:
            yield FieldProblem("/successor_code", "there is no such category")
        elif _leads_to(tree, changed.successor_code, changed.code):
            yield FieldProblem("/successor_code", "the successors would lead back to this category")
    if changed.retired and any(child.parent_code == changed.code and not child.retired for child in tree.values()):
        yield FieldProblem("/retired", "categories below it are still in use")


def _is_below(tree: Tree, start: str, code: str) -> bool:
    current: str | None = start
    for _ in range(_LONGEST_CHAIN):
        if current is None:
            return False
        if current == code:
            return True
        current = tree[current].parent_code if current in tree else None
    return True


def _leads_to(tree: Tree, start: str, code: str) -> bool:
    current: str | None = start
    for _ in range(_LONGEST_CHAIN):
        if current == code:
            return True
        if current is None or current not in tree:
            return False
        current = tree[current].successor_code
    return True
