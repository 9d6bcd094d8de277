"""`python -m media_stats_module NAME -c homeserver.yaml`: the command line.

It needs Synapse's configuration, but no token and no running Synapse. Every endpoint is
a command, with its parameters as options. `disk` compares the database with the disk,
`remove` takes rollups out of the database.

Importing Synapse takes seconds, so it comes last: an error about an option comes at
once.
"""

import argparse
import io
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from media_stats_module.disk import command as disk
from media_stats_module.endpoints import (
    ENDPOINTS,
    Arguments,
    Boolean,
    Document,
    InvalidParameterError,
    List,
    Parameter,
    read_parameters,
)
from media_stats_module.endpoints.checks import PLAIN_CHECKS
from media_stats_module.errors import RefusedError
from media_stats_module.formats import (
    Rows,
    document_table,
    encode_csv,
    encode_json,
    list_table,
)

if TYPE_CHECKING:
    from media_stats_module.offline import OfflineHomeserver


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        the exit status: 0 for success, 1 for failure, 2 for a wrong option.
    """
    if sys.stderr is None:
        # It is closed. Errors must not become output.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    try:
        options = _options(arguments)
        if sys.stdout is None:
            raise RefusedError("the standard output is closed")
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A terminal may not have all characters.
            sys.stdout.reconfigure(errors="backslashreplace")
        _run(options)
    except InvalidParameterError as error:
        options.parser.error(str(error))
    except BrokenPipeError:
        # The reader of the pipe, such as `head`, has seen enough.
        _drop_unwritten_output()
    except (RefusedError, OSError) as error:
        if isinstance(error, OSError):
            _drop_unwritten_output()
        print(f"media_stats_module: {error}", file=sys.stderr)
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the options; exit after `--help` or a wrong option.

    Raises:
        OSError: the help cannot be written.
    """
    try:
        options, unknown = _parser().parse_known_args(arguments)
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
    if unknown:
        # argparse itself would show the usage of no command.
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _run(options: argparse.Namespace) -> None:
    """Run the command that the options name.

    Raises:
        InvalidParameterError: an option is wrong.
        RefusedError: the command cannot do its work.
        OSError: the output cannot be written.
    """
    question = _question(options)
    # Imports all of Synapse.
    from media_stats_module import offline

    with offline.raising_refused(options.config_path):
        homeserver = offline.OfflineHomeserver(options.config_path)
        if options.command == "disk":
            database = homeserver.connect_to_database()
            disk.run(options, homeserver.configuration, database)
        elif options.command == "remove":
            _remove(homeserver)
        else:
            _answer(homeserver, options, question)
        sys.stdout.flush()


def _drop_unwritten_output() -> None:
    """Discard unwritten output, which Python would write again when it ends."""
    with open(os.devnull, "wb") as devnull:
        os.dup2(devnull.fileno(), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
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
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for endpoint in ENDPOINTS:
        command = commands.add_parser(
            endpoint.name,
            parents=[shared],
            help=endpoint.help,
            description=endpoint.help,
            allow_abbrev=False,
        )
        command.set_defaults(endpoint=endpoint, parser=command)
        for parameter in endpoint.parameters:
            if isinstance(parameter, Parameter):
                _add_option(command, parameter)
        shown = command.add_mutually_exclusive_group()
        shown.add_argument("--json", action="store_true", help="print JSON, no table")
        if isinstance(endpoint, List):
            shown.add_argument("--csv", action="store_true", help="print CSV, no table")
    files = commands.add_parser(
        "disk",
        parents=[shared],
        help="compare the files on the disk with the database",
        allow_abbrev=False,
    )
    disk.add_arguments(files)
    files.set_defaults(endpoint=None, parser=files)
    remove = commands.add_parser(
        "remove", parents=[shared], help="take rollups out of the database"
    )
    remove.set_defaults(endpoint=None, parser=remove)
    return parser


def _add_option(command: argparse.ArgumentParser, parameter: Parameter) -> None:
    name = f"--{parameter.name.replace('_', '-')}"
    metavar = parameter.values
    if isinstance(parameter, Boolean):
        # The name alone means `true`.
        command.add_argument(
            name, help=parameter.help, metavar=metavar, nargs="?", const="true"
        )
    else:
        command.add_argument(name, help=parameter.help, metavar=metavar)


def _question(options: argparse.Namespace) -> Any:
    """Make the question from the options.

    Raises:
        InvalidParameterError: an option is wrong.
    """
    if options.endpoint is None:
        return None
    given = {
        parameter.name.encode(): [os.fsencode(value)]
        for parameter in options.endpoint.parameters
        if isinstance(parameter, Parameter)
        and (value := getattr(options, parameter.name)) is not None
    }
    arguments = Arguments(
        given=given, checks=PLAIN_CHECKS, is_export=getattr(options, "csv", False)
    )
    values = read_parameters(options.endpoint.parameters, arguments)
    return options.endpoint.question(**values)


def _answer(
    homeserver: "OfflineHomeserver", options: argparse.Namespace, question: Any
) -> None:
    """Ask, and print the answer."""
    from media_stats_module.storage import finish

    endpoint: Document[Any] | List[Any, Any] = options.endpoint
    store, server = homeserver.connect(lambda: _file_system(homeserver))
    if isinstance(endpoint, Document):
        answer = finish(endpoint.answer(store, server, question))
        body = b"".join(encode_json(answer)).decode()
        print(body if options.json else document_table(json.loads(body)))
        return
    columns = endpoint.columns(server, question)
    if options.csv:

        def write(values: Any) -> None:
            for piece in encode_csv(columns, values):
                sys.stdout.buffer.write(piece)

        finish(endpoint.export(store, server, question, write))
        return
    page = finish(endpoint.get_page(store, server, question))
    more = endpoint.get_more(question, len(page.values), page.end)
    answer = {endpoint.key: Rows(page.values, columns), **more}
    body = b"".join(encode_json(answer)).decode()
    if options.json:
        print(body)
        return
    more = json.loads(body)
    print(list_table(list(columns), more.pop(endpoint.key)))
    # Whole, to be copied.
    next_token = more.pop("next_token", None)
    if more:
        print(document_table(more))
    if next_token is not None:
        print(f"next page: --from={next_token}")


def _file_system(homeserver: "OfflineHomeserver") -> dict[str, Any] | None:
    """The size of the media store's file system; None if it is not here."""
    import attr
    from synapse.module_api.errors import ConfigError

    from media_stats_module.disk.configuration import media_store_config
    from media_stats_module.disk.patient_size import PatientSize

    try:
        path = media_store_config(homeserver.configuration).path
    except ConfigError:
        return None
    size = PatientSize(path).get()
    return attr.asdict(size) if size else None


def _remove(homeserver: "OfflineHomeserver") -> None:
    """Take rollups out of the database."""
    from media_stats_module.storage import finish

    if homeserver.config.rollups:
        raise RefusedError(
            "the configuration still says `rollups: true`, so a running Synapse would "
            "put everything back. Set it to false, or take the module out of "
            "`modules:`, restart Synapse, and try again."
        )
    maintenance = homeserver.connect()[0].maintenance
    if not finish(maintenance.is_present()):
        print("There is nothing to remove.")
        return
    finish(maintenance.remove())
    print("Removed.")


if __name__ == "__main__":
    # In the background, it is ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Python would wait until the statement ends, and print a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
