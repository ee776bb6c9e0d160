"""How registry entries may change: codes are never reused, nothing points nowhere, nothing lies below itself."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.dispatch.domain.clock import LegClock
from services.dispatch.domain.grid import DutyHolder, Grid, StoredGrid
from services.dispatch.domain.registry import Category, ChangeAction, Department, check_code
from services.dispatch.domain.registry_rules import (
    category_problems,
    department_problems,
    grid_problems,
    merge_category,
    merge_department,
    merge_grid,
)
from shared.errors import Conflict, InvalidInput

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
TODAY = NOW.date()
SANI = Department("SANI", "环卫中心")


def test_the_same_content_again_is_no_change() -> None:
    stored, action = merge_department(SANI, None, NOW)
    assert action is ChangeAction.CREATED
    assert merge_department(SANI, stored, NOW) == (stored, None)


def test_every_change_is_a_version() -> None:
    item, action = merge_department(replace(SANI, name="环卫局"), replace(SANI, version=4), NOW)
    assert (item.version, action) == (5, ChangeAction.REPLACED)


def test_a_retired_department_stays_retired_since_then() -> None:
    retired, action = merge_department(replace(SANI, retired_at=NOW), SANI, NOW)
    assert action is ChangeAction.RETIRED
    later = datetime(2027, 1, 1, tzinfo=UTC)
    again, nothing = merge_department(replace(SANI, retired_at=later), retired, later)
    assert nothing is None
    assert again.retired_at == NOW
    with pytest.raises(Conflict) as refused:
        merge_department(SANI, retired, later)
    assert refused.value.code == "code_retired"


@pytest.mark.parametrize(
    ("department", "field"),
    [
        (replace(SANI, parent_code="NOBODY"), "/parent_code"),
        (replace(SANI, parent_code="SANI"), "/parent_code"),
        (replace(SANI, parent_code="CHILD"), "/parent_code"),
        (replace(SANI, grid_code="411003"), "/grid_code"),
        (replace(SANI, successor_code="CHILD"), "/successor_code"),
        (replace(SANI, retired_at=NOW, successor_code="SANI"), "/successor_code"),
        (replace(SANI, retired_at=NOW, successor_code="NOBODY"), "/successor_code"),
    ],
)
def test_departments_that_cannot_be(department: Department, field: str) -> None:
    others = {"SANI": department, "CHILD": Department("CHILD", "child", parent_code="SANI")}
    assert [problem.field for problem in department_problems(department, others, {"411002"})] == [field]


GRID = StoredGrid(Grid("411002001", "street"), b"outline")


def test_a_new_outline_is_a_new_version() -> None:
    item, action = merge_grid(replace(GRID, wkb=b"other"), GRID, TODAY)
    assert (item.grid.version, action) == (2, ChangeAction.REPLACED)


def test_a_grid_whose_time_is_over_never_lives_again() -> None:
    ended = replace(GRID, grid=replace(GRID.grid, valid_to=date(2026, 3, 1)))
    with pytest.raises(Conflict):
        merge_grid(GRID, ended, TODAY)


def test_an_end_that_is_still_to_come_may_be_put_off() -> None:
    ending = replace(GRID, grid=replace(GRID.grid, valid_to=date(2026, 12, 31)))
    assert merge_grid(GRID, ending, TODAY)[1] is ChangeAction.REPLACED


@pytest.mark.parametrize(
    ("grid", "field"),
    [
        (Grid("411002001", "", date(2026, 1, 2), date(2026, 1, 2)), "/valid_to"),
        (Grid("411002001", "", predecessors=("411002009",)), "/predecessors/0"),
        (Grid("411002001", "", predecessors=("411002001",)), "/predecessors/0"),
        (Grid("411002001", "", duty_holders=(DutyHolder("p", "n", "NOBODY"),)), "/duty_holders/0/department_code"),
        (
            Grid("411002001", "", duty_holders=(DutyHolder("p", "n", None, TODAY, TODAY),)),
            "/duty_holders/0/valid_to",
        ),
    ],
)
def test_grids_that_cannot_be(grid: Grid, field: str) -> None:
    assert [problem.field for problem in grid_problems(grid, {"411002001"}, {"SANI"})] == [field]


def test_a_category_names_a_parent_and_a_policy_that_exist() -> None:
    category = Category("0101", "x", parent_code="09", policy_code="NONE")
    fields = [problem.field for problem in category_problems(category, {"0101": category}, {"G5D"})]
    assert fields == ["/parent_code", "/policy_code"]


def test_retiring_a_category_is_recorded_as_such() -> None:
    category = Category("0101", "x")
    assert merge_category(replace(category, retired=True), category)[1] is ChangeAction.RETIRED
    assert merge_category(category, category)[1] is None


@pytest.mark.parametrize("code", ["", "-x", "a b", "a/b", "x" * 41, "环卫", "a\n"])
def test_a_malformed_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput):
        check_code(code, "/code")


# --- the clock of a leg ---------------------------------------------------------------------------------------------

DUE = datetime(2026, 3, 9, tzinfo=UTC)
CLOCK = LegClock(NOW, DUE)


def test_due_is_exclusive() -> None:
    assert CLOCK.is_late(DUE)
    assert not CLOCK.is_late(datetime(2026, 3, 8, 23, 59, 59, 999999, tzinfo=UTC))


def test_a_submission_in_time_stays_in_time_however_long_the_review_takes() -> None:
    clock = CLOCK.stop(datetime(2026, 3, 8, tzinfo=UTC)).confirm()
    assert not clock.is_late(datetime(2026, 5, 1, tzinfo=UTC))


def test_a_rejected_submission_never_stopped_the_clock() -> None:
    """Trap 15."""
    clock = CLOCK.stop(datetime(2026, 3, 8, tzinfo=UTC)).reject()
    assert clock.is_late(datetime(2026, 3, 10, tzinfo=UTC))


def test_a_confirmed_stop_is_final() -> None:
    stopped = CLOCK.stop(datetime(2026, 3, 8, tzinfo=UTC)).confirm()
    assert stopped.stop(DUE) == stopped.reject() == stopped
