"""What happens before a stack is started: read the city's file, learn the rules, write a pack that has them."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.city import CityPack, read_pack
from deploy.city.build_weidu import write_rows
from deploy.demo.learn import Learned, Observation, choose_least_support, learn
from deploy.demo.requests import CityRequest, Requests, read_requests
from deploy.importing.command import MAPPINGS
from deploy.importing.mapping import FieldMapping, read_mapping
from deploy.settings import CITIES
from shared.clock import SystemClock

CITY = CITIES / "boston"
SAMPLE = CITY / "requests.csv.gz"
RULE_COLUMNS = ("id", "category_code", "grid_code", "department_code", "note")


@dataclass(frozen=True, slots=True)
class Prepared:
    """`directory` is the pack with the learned rules in place of those that come along."""

    directory: Path
    pack: CityPack
    mapping: FieldMapping
    requests: Requests
    learned: Learned


def prepare(data: Path, directory: Path) -> Prepared:
    """Raises StackError when the file is not one of this city's."""
    mapping = read_mapping(MAPPINGS / "boston.toml")
    requests = read_requests(data, mapping, read_pack(CITY), SystemClock().now())
    learned = learn_rules(requests.history)
    target = directory / "boston"
    shutil.copytree(CITY, target, ignore=shutil.ignore_patterns(SAMPLE.name))
    rules = (
        (rule.id, rule.category, rule.area or "", rule.department, f"{rule.support} of {rule.seen}")
        for rule in learned.rules
    )
    write_rows(target / "rules.csv", RULE_COLUMNS, rules)
    return Prepared(target, read_pack(target), mapping, requests, learned)


def learn_rules(history: Sequence[CityRequest]) -> Learned:
    """The last third of the learning months decides how often a cell must have been seen to get a rule."""
    observed = [
        Observation(each.past.category_code, each.past.grid_code, each.past.department_code) for each in history
    ]
    border = len(observed) * 2 // 3
    least = choose_least_support([(number >= border, each) for number, each in enumerate(observed)])
    return learn(observed, least_support=least)
