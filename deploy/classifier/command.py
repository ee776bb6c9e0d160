"""`minqing classifier train|evaluate|list|report|activate|deactivate`: the model that suggests categories."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from deploy.errors import StackError
from deploy.locate import database_urls
from deploy.settings import StackSettings
from shared.clock import SystemClock
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.errors import DomainError
from shared.vocabulary import Service

if TYPE_CHECKING:
    from deploy.classifier.train import Recipe
    from services.intake.suggestion.examples import Example

T = TypeVar("T")
MOST_RECORDS = 50_000
ACCEPT_AT = 0.95


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    training = actions.add_parser("train", help="learn from the city's confirmed records, or from a file")
    _learning_options(training)
    training.add_argument("--json", action="store_true", help="print the report as one JSON object")
    judging = actions.add_parser("evaluate", help="measure: a version on new texts, or what training on a file gives")
    judging.add_argument("version", nargs="?", help="a trained version; without one --data is split and trained on")
    _learning_options(judging)
    judging.add_argument("--json", action="store_true", help="print the report as one JSON object")
    showing = actions.add_parser("list", help="every version with its figures, the newest first")
    showing.add_argument("--json", action="store_true", help="print a JSON list")
    reporting = actions.add_parser("report", help="what was measured when a version was trained")
    reporting.add_argument("version")
    reporting.add_argument("--json", action="store_true", help="print one JSON object")
    switching = actions.add_parser("activate", help="let a version suggest; running services follow within seconds")
    switching.add_argument("version")
    actions.add_parser("deactivate", help="let the words of the taxonomy suggest again")


def _learning_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="FILE", help="a CSV or JSON lines file (.gz too) instead")
    parser.add_argument("--text-column", default="text", metavar="NAME", help="where the text stands (text)")
    parser.add_argument("--label-column", default="label", metavar="NAME", help="where the category stands (label)")
    parser.add_argument("--held-back", type=_share, default=0.2, metavar="SHARE", help="measured on, not learnt (0.2)")
    parser.add_argument("--seed", type=int, default=7, help="of every shuffle (7)")
    parser.add_argument("--most", type=int, default=MOST_RECORDS, help=f"the newest records only ({MOST_RECORDS})")


def run(options: argparse.Namespace) -> int:
    actions = {
        "train": _train,
        "evaluate": _evaluate,
        "list": _list,
        "report": _report,
        "activate": _activate,
        "deactivate": _deactivate,
    }
    try:
        return actions[options.action](options)
    except DomainError as error:
        raise StackError(error.detail) from error


def _share(text: str) -> float:
    value = float(text)
    if not 0.05 <= value <= 0.5:
        raise argparse.ArgumentTypeError("must lie between 0.05 and 0.5")
    return value


def _train(options: argparse.Namespace) -> int:
    from deploy.classifier.train import trained, version_name, written
    from services.intake.use_cases.switch_classifier import classifier_versions, keep_version

    settings = StackSettings.load()
    with database_urls(settings) as urls:
        url = urls[Service.INTAKE]
        taken = {each.version for each in _transact(url, classifier_versions)}
        examples, unusable = _examples(options, url)
        now = SystemClock().now()
        found = trained(examples, version_name(now, taken), _recipe(options), unusable=unusable)
        version = written(found, settings.data_dir, is_of_file=options.data is not None, now=now)
        _transact(url, lambda uow: keep_version(uow, version))
    _show(options, found.report, version=version.version)
    if not options.json:
        print(f"Version {version.version} is not switched on: minqing classifier activate {version.version}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from deploy.classifier.train import trained

    if options.version is None:
        if options.data is None:
            raise StackError("give a version, or --data FILE to split and train on")
        examples, unusable = _examples(options, "")
        _show(options, trained(examples, "evaluation", _recipe(options), unusable=unusable).report, version=None)
        return 0
    from services.intake.suggestion.artefacts import Unusable, load_model
    from services.intake.suggestion.evaluation import evaluate
    from services.intake.use_cases.switch_classifier import classifier_version

    settings = StackSettings.load()
    with database_urls(settings) as urls:
        url = urls[Service.INTAKE]
        version = _transact(url, lambda uow: classifier_version(uow, options.version))
        examples, _ = _examples(options, url)
    try:
        model = load_model(settings.data_dir, version.version, version.sha256)
    except Unusable as error:
        raise StackError(f"{version.version} cannot be used: {error}") from error
    _show(options, {"held_back": evaluate(model, examples)}, version=version.version)
    return 0


def _list(options: argparse.Namespace) -> int:
    from deploy.classifier.shown import print_versions
    from services.intake.use_cases.switch_classifier import classifier_versions

    with database_urls(StackSettings.load()) as urls:
        versions = _transact(urls[Service.INTAKE], classifier_versions)
    if options.json:
        shown = [
            {
                "version": each.version,
                "active": each.is_active,
                "origin": each.origin,
                "examples": each.examples,
                "categories": list(each.labels),
                "created_at": each.created_at.isoformat(),
                "sha256": each.sha256.hex(),
            }
            for each in versions
        ]
        print(json.dumps(shown, ensure_ascii=False, indent=1))
    elif versions:
        print_versions(Console(), versions)
    else:
        print("no classifier has been trained yet; the words of the taxonomy suggest")
    return 0


def _report(options: argparse.Namespace) -> int:
    from services.intake.use_cases.switch_classifier import classifier_version

    with database_urls(StackSettings.load()) as urls:
        found = _transact(urls[Service.INTAKE], lambda uow: classifier_version(uow, options.version))
    _show(options, dict(found.report), version=found.version)
    return 0


def _activate(options: argparse.Namespace) -> int:
    from deploy.classifier.train import ACTOR
    from services.intake.suggestion.artefacts import Unusable, load_model
    from services.intake.use_cases.switch_classifier import activate_classifier, classifier_version

    settings = StackSettings.load()
    with database_urls(settings) as urls:
        url = urls[Service.INTAKE]
        found = _transact(url, lambda uow: classifier_version(uow, options.version))
        try:
            load_model(settings.data_dir, found.version, found.sha256)
        except Unusable as error:
            raise StackError(f"{found.version} cannot be used: {error}") from error
        changed = _transact(url, lambda uow: activate_classifier(uow, found.version, actor=ACTOR))
    print(f"{found.version} {'suggests from now on' if changed else 'was switched on already'}")
    return 0


def _deactivate(_options: argparse.Namespace) -> int:
    from deploy.classifier.train import ACTOR
    from services.intake.use_cases.switch_classifier import deactivate_classifier

    with database_urls(StackSettings.load()) as urls:
        was = _transact(urls[Service.INTAKE], lambda uow: deactivate_classifier(uow, actor=ACTOR))
    print(f"{was} is switched off; the words of the taxonomy suggest" if was else "none was switched on")
    return 0


def _examples(options: argparse.Namespace, url: str) -> "tuple[list[Example], int]":
    """What to learn from, or to be measured on, and how many records were of no use."""
    if options.data is not None:
        from deploy.classifier.texts import Columns, read_examples

        return read_examples(options.data, Columns(options.text_column, options.label_column)), 0
    from deploy.classifier.records import gather
    from services.intake.use_cases.switch_classifier import confirmed_records, read_tree

    records = _transact(url, lambda uow: confirmed_records(uow, most=options.most))
    tree = _transact(url, read_tree)
    gathered = gather(records, tree)
    return list(gathered.examples), gathered.left_out


def _recipe(options: argparse.Namespace) -> "Recipe":
    from deploy.classifier.train import Recipe

    return Recipe(options.held_back, options.seed)


def _show(options: argparse.Namespace, report: dict[str, object], *, version: str | None) -> None:
    from deploy.classifier.shown import print_report

    if options.json:
        print(json.dumps({"version": version, **report}, ensure_ascii=False, indent=1))
    else:
        print_report(Console(), report, accept_at=ACCEPT_AT)


def _transact(url: str, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """One transaction in intake's database; a database that is away is one line."""
    from sqlalchemy.exc import DBAPIError

    async def once() -> T:
        database = Database.connect(url, schema="intake", application_name="minqing-intake-classifier", pool_size=1)
        try:
            return await database.transact(work)
        finally:
            await database.dispose()

    try:
        return asyncio.run(once())
    except (OSError, TimeoutError, DBAPIError) as error:
        reason = getattr(error, "orig", None) or error
        raise StackError(f"intake's database does not answer: {reason}") from error
