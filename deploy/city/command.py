"""`minqing city check PATH` and `minqing city load PATH`: every fault of a pack by file, place and field."""

import argparse
import asyncio
import sys
from pathlib import Path

from deploy.city.faults import PackInvalid
from deploy.city.model import CityPack
from deploy.city.pack import read_pack
from deploy.errors import StackError
from deploy.locate import database_urls
from deploy.settings import StackSettings, city_pack


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    for name, text in (
        ("check", "read a pack and name everything wrong with it"),
        ("load", "check a pack, then load it"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("pack", help="a directory, or the name of a pack that comes along (weidu, boston)")


def run(options: argparse.Namespace) -> int:
    directory = city_pack(options.pack)
    if directory is None:
        raise StackError("there is no pack to work on")
    try:
        pack = read_pack(directory)
        _print_warnings(pack.warnings)
        if options.action == "check":
            print(_summary(pack))
            return 0
        return _load(directory)
    except PackInvalid as error:
        print(f"minqing: {error}", file=sys.stderr)
        return 1


def _load(directory: Path) -> int:
    from deploy.city.load import load_city

    with database_urls(StackSettings.load()) as urls:
        print(asyncio.run(load_city(directory, urls)))
    return 0


def _summary(pack: CityPack) -> str:
    polygons = sum(grid.polygon is not None for grid in pack.grids)
    return (
        f"{pack.city.title}: no faults; {len(pack.departments)} departments, "
        f"{len(pack.categories)} categories, {len(pack.grids)} areas ({polygons} with polygons), "
        f"{len(pack.rules)} rules, {len(pack.policies)} policies, working days {pack.days[0].day} to {pack.known_until}"
    )


def _print_warnings(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        print(f"warning: {warning}")
