"""`python -m media_stats_module COMMAND -c homeserver.yaml`: the command line.

It needs no token and no running Synapse, only Synapse's configuration: `users` and
`summary` ask the database, `remove` takes rollups out of it.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attr
from synapse.module_api.errors import ConfigError

from media_stats_module.config import MediaStatsConfig, parse_config
from media_stats_module.questions import OwnersOrder, OwnersQuestion, SummaryQuestion
from media_stats_module.storage import (
    DatabaseFailedError,
    MediaStatsStore,
    OfflineDatabase,
    Usage,
    finish,
)
from media_stats_module.synapse_internals import connect_to_main, read_configuration

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


class _RefusedError(Exception):
    """The command cannot do its work; the reason in one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        the exit status: 0 if it has done its work.
    """
    options = _parse_arguments(arguments)
    try:
        try:
            configuration = read_configuration(options.config_path)
            config = _module_options(configuration)
            if options.command == "remove" and config.rollups:
                raise _RefusedError(
                    "the configuration still says `rollups: true`, so a running "
                    "Synapse would put everything back. Set it to false, or take the "
                    "module out of `modules:`, restart Synapse, and try again."
                )
            database = OfflineDatabase(
                connect_to_main(configuration), configuration["server_name"]
            )
            store = MediaStatsStore(database, config)
            print(_COMMANDS[options.command](store, options))
        except ConfigError as error:
            where = "".join(f"{part}: " for part in error.path or ())
            # Synapse explains some at length.
            reason = " ".join(error.msg.partition("\n\n")[0].split())
            raise _RefusedError(f"the configuration: {where}{reason}") from error
        except DatabaseFailedError as error:
            raise _RefusedError(f"the database: {error.reason}") from error
    except _RefusedError as refused:
        print(f"media_stats_module: {refused}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has seen enough, as `head` does.
        sys.stderr.close()
    return 0


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m media_stats_module",
        description="Statistics about the media of a Synapse homeserver, straight from "
        "its database.",
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "-c",
        "--config-path",
        action="append",
        required=True,
        metavar="PATH",
        help="Synapse's configuration, a file or a directory; may be repeated",
    )
    shown = argparse.ArgumentParser(add_help=False)
    shown.add_argument("--json", action="store_true", help="print JSON, not a table")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "summary", parents=[shared, shown], help="what fills the media store"
    )
    users = commands.add_parser(
        "users", parents=[shared, shown], help="the users with the most media"
    )
    users.add_argument(
        "--limit", type=int, default=20, help="how many users to list (default 20)"
    )
    commands.add_parser(
        "remove", parents=[shared], help="take rollups out of the database"
    )
    options = parser.parse_args(arguments)
    if options.command == "users" and options.limit < 1:
        parser.error("--limit must be at least 1")
    return options


def _module_options(configuration: Mapping[str, Any]) -> MediaStatsConfig:
    """The options of the module, or the defaults if it is not loaded."""
    for module in configuration.get("modules") or ():
        name = module.get("module") if isinstance(module, Mapping) else None
        if str(name).startswith("media_stats_module."):
            return parse_config(module.get("config") or {})
    return MediaStatsConfig()


def _summary(store: MediaStatsStore, options: argparse.Namespace) -> str:
    summary = finish(store.get_summary(SummaryQuestion()))
    if options.json:
        return json.dumps(attr.asdict(summary))
    rows = [
        (f"{source} {name.replace('_', ' ')}", usage)
        for source in ("local", "remote")
        for name, usage in attr.asdict(getattr(summary, source), recurse=False).items()
        if isinstance(usage, Usage)
    ]
    return _table(
        ("kind", "files", "size"), map(_cells, [*rows, ("total", summary.total)])
    )


def _users(store: MediaStatsStore, options: argparse.Namespace) -> str:
    question = OwnersQuestion(
        order_by=OwnersOrder.MEDIA_LENGTH, descending=True, limit=options.limit
    )
    users = finish(store.get_users_page(question)).values
    if options.json:
        return json.dumps(
            [
                {
                    "user_id": user.owner,
                    "displayname": user.displayname,
                    "media_count": user.media_count,
                    "media_length": user.media_length,
                }
                for user in users
            ]
        )
    return _table(
        ("user", "files", "size"),
        (
            _cells((user.owner, Usage(user.media_count, user.media_length)))
            for user in users
        ),
    )


def _remove(store: MediaStatsStore, options: argparse.Namespace) -> str:
    if not finish(store.rollups.is_present()):
        return "There is nothing to remove."
    finish(store.rollups.remove())
    return "Removed."


_COMMANDS = {"summary": _summary, "users": _users, "remove": _remove}


def _cells(row: tuple[str, Usage]) -> tuple[str, str, str]:
    name, usage = row
    # A name may have characters that mean something to a terminal.
    shown = "".join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in name
    )
    return shown, f"{usage.media_count:,}", _size(usage.media_length)


def _size(length: float) -> str:
    unit = 0
    while length >= 1024 and unit < len(_UNITS) - 1:
        length, unit = length / 1024, unit + 1
    return f"{length:,.1f} {_UNITS[unit]}" if unit else f"{length} {_UNITS[0]}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Columns of text, the first to the left and the others to the right."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())
