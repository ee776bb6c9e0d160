"""`minqing vault`: which master keys seal the personal data, and changing to another one."""

import argparse
import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Final

from pydantic import SecretStr

from deploy.errors import StackError
from deploy.locate import database_urls
from deploy.settings import StackSettings, master_key
from services.intake.db.vault import Vault, VaultError
from services.intake.db.vault_rows import SEALED_TABLES
from services.intake.settings import Settings
from services.intake.use_cases.rotate_vault import TableStatus, retire_earlier_keys, rotate_table, vault_status
from shared.db.engine import Database
from shared.vocabulary import Service

_STATEMENT_TIMEOUT: Final = timedelta(minutes=2)


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    for name, purpose in (
        ("status", "show how many records each master key seals"),
        ("rotate", "wrap everything under MINQING_MASTER_KEY; then MINQING_EARLIER_MASTER_KEYS may be emptied"),
    ):
        action = actions.add_parser(name, help=purpose, description=purpose)
        action.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    from deploy.prepare import check_servers

    settings = StackSettings.load()
    with database_urls(settings) as urls:
        asyncio.run(check_servers(urls, None))
        try:
            status = asyncio.run(_act(options.action, urls, vault_of(settings, urls)))
        except VaultError as error:
            raise StackError(f"{error}: set it in MINQING_EARLIER_MASTER_KEYS") from error
    _print(status, as_json=options.json)
    return 0


def vault_of(settings: StackSettings, urls: Mapping[Service, str]) -> Vault:
    """Return the vault as the services open it: the master key of the settings, earlier ones of the environment."""
    intake = Settings(
        database_url=SecretStr(urls[Service.INTAKE]),
        master_key=SecretStr(master_key(settings)),
        earlier_master_keys=SecretStr(os.environ.get("MINQING_EARLIER_MASTER_KEYS", "")),
    )
    return Vault(intake.master_key.get_secret_value(), earlier_keys=intake.earlier_keys)


async def _act(action: str, urls: Mapping[Service, str], vault: Vault) -> list[TableStatus]:
    database = Database.connect(
        urls[Service.INTAKE],
        schema=Service.INTAKE.value,
        application_name="minqing-vault",
        statement_timeout=_STATEMENT_TIMEOUT,
        pool_size=1,
    )
    try:
        if action == "rotate":
            await database.transact(lambda uow: retire_earlier_keys(uow, vault))
            for where in SEALED_TABLES:
                await rotate_table(database, vault, where)
        return await database.transact(lambda uow: vault_status(uow, vault), read_only=True)
    finally:
        await database.dispose()


def _print(status: list[TableStatus], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(table) for table in status], indent=2))
        return
    for table in status:
        print(f"{table.table}: {table.current} under the current master key")
        for key_id, count in sorted(table.others.items()):
            print(f"  {count} under {key_id}")
