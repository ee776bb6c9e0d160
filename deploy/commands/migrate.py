"""`minqing migrate`: every service's schema to its newest revision, or a check that none is missing."""

import argparse
import asyncio

from deploy.errors import StackError
from deploy.locate import database_urls
from deploy.settings import StackSettings


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a schema is behind")


def run(options: argparse.Namespace) -> int:
    from deploy.prepare import check_servers, migrate
    from shared.db.migrations import current, script_directory

    with database_urls(StackSettings.load()) as urls:
        asyncio.run(check_servers(urls, None))
        if options.check:
            behind = [
                service.value
                for service, url in urls.items()
                if asyncio.run(current(service, url)) != script_directory(service).get_current_head()
            ]
            if behind:
                raise StackError(f"not at the newest revision: {', '.join(behind)}")
            print("every schema is at its newest revision")
            return 0
        changed = asyncio.run(migrate(urls))
    for service, revision in changed.items():
        print(f"{service.value} brought to {revision}")
    if not changed:
        print("every schema was at its newest revision already")
    return 0
