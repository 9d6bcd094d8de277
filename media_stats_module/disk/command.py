"""`python -m media_stats_module disk`: its options, and the run."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from media_stats_module.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from media_stats_module.disk.difference_list import DifferenceList
    from media_stats_module.disk.report import Report
    from media_stats_module.disk.tallies import Tallies
    from media_stats_module.storage import OfflineDatabase

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DEFAULT_MIN_AGE = "1h"

# The names in `difference_list.CAUSES`, which would import Synapse.
_LISTS = ("without-row", "without-file", "another-length", "other")

# With fewer files, no warning that none of them has a row.
_FILES_AT_LEAST = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command, except `-c`."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print JSON, not a table")
    forms.add_argument("--csv", action="store_true", help="print CSV, not a table")
    forms.add_argument(
        "-0",
        "--null",
        action="store_true",
        help="end each line of a list with a NUL, and print names as they are",
    )
    parser.add_argument(
        "--list",
        choices=_LISTS,
        help="print the files or rows themselves: when each was looked at, its bytes, "
        "and its path or, without a file, its URI",
    )
    parser.add_argument(
        "--min-age",
        type=_duration_ms,
        default=_duration_ms(_DEFAULT_MIN_AGE),
        metavar="TIME",
        help="judge nothing younger than this, such as 90m or 1d "
        f"(default {_DEFAULT_MIN_AGE})",
    )
    parser.add_argument(
        "--listing",
        action="append",
        metavar="FILE",
        help="the listing of a storage provider that cannot be asked: by `aws s3 ls "
        "--recursive`, `rclone lsf -R --format ps` or an S3 inventory (CSV), also with "
        "gzip; may be repeated",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="go on, and print the list, even if this does not look like the right "
        "folder",
    )


def _duration_ms(text: str) -> int:
    number, unit = text[:-1], _UNITS_MS.get(text[-1:])
    if not (unit and number.isascii() and number.isdigit()):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be a number with a unit of time: s, m, h or d"
        )
    return int(number) * unit


def run(
    options: argparse.Namespace,
    configuration: "Mapping[str, Any]",
    database: "OfflineDatabase",
) -> None:
    """Run the command.

    Args:
        options: the options of `add_arguments`.
        configuration: Synapse's configuration.
        database: the homeserver's database.

    Raises:
        RefusedError: the folder cannot be read, or is not the right one.
        ConfigError: an option of Synapse is wrong.
        DatabaseFailedError: an error of the database.
    """
    # Imported here, so that `--help` comes at once.
    from media_stats_module.disk.age import Age
    from media_stats_module.disk.comparison import Comparison
    from media_stats_module.disk.configuration import media_store_config
    from media_stats_module.disk.difference_list import CAUSES, DifferenceList
    from media_stats_module.disk.listing import Listing
    from media_stats_module.disk.progress import Progress
    from media_stats_module.disk.providers import open_providers
    from media_stats_module.disk.report import Report
    from media_stats_module.disk.second_look import SecondLook
    from media_stats_module.disk.size import file_system_of
    from media_stats_module.disk.tallies import Tallies
    from media_stats_module.storage import DiskRows

    if options.null and not options.list:
        raise RefusedError("--null is for --list")
    config = media_store_config(configuration)
    rows = DiskRows(database)
    listing = Listing(options.listing) if options.listing else None
    if listing is not None and config.without_folder != 1:
        raise RefusedError(
            "--listing is for one storage provider that is no folder; Synapse's "
            f"configuration has {config.without_folder} of these"
        )
    providers = open_providers(config.providers, listing)
    try:
        file_system = file_system_of(config.path)
        os.listdir(config.path)
    except OSError as error:
        raise RefusedError(
            f"{config.path!r}: {error.strerror or error}. The folder is "
            "media_store_path in Synapse's configuration; one that does not start with "
            "/ is below the folder that Synapse is started in."
        ) from error
    now_ts = database.now_ts()
    age = Age(now_ts, options.min_age, config.unused_expiration_ms)
    tallies: Tallies = {}
    forms = [form for form in ("json", "csv", "null") if getattr(options, form)]
    form = forms[0] if forms else "text"
    differences = None
    if options.list:
        differences = DifferenceList(
            CAUSES[options.list], form, database.server_name, config.path
        )
    progress = Progress(sys.stderr, rows.estimate())

    def before_many(suspects: int) -> None:
        """Stop in a wrong folder, where each row would be looked at twice."""
        warning = _files_are_missing(tallies, suspects)
        if warning and not options.force:
            raise RefusedError(f"{warning} With --force, all rows are looked at.")

    second_look = SecondLook(
        os.fsencode(config.path),
        rows,
        providers,
        age,
        tallies,
        (lambda difference: None) if differences is None else differences.add,
        before_many,
    )

    try:
        Comparison(
            config, rows, providers, age, second_look, tallies, progress.add
        ).run()
    finally:
        progress.end()
    report = Report(
        looked_at_ts=now_ts,
        media_store_path=config.path,
        file_system=file_system,
        tallies=tallies,
        providers=[(provider.name, provider.problem) for provider in providers],
    )
    _print(options, tallies, report, differences)


def _print(
    options: argparse.Namespace,
    tallies: "Tallies",
    report: "Report",
    differences: "DifferenceList | None",
) -> None:
    """Print the list or else the report, and warnings to the standard error.

    Raises:
        RefusedError: this does not look like the right folder for a list.
    """
    warning = _files_are_missing(tallies) or _rows_are_missing(tallies)
    if warning and differences is not None and not options.force:
        raise RefusedError(f"{warning} --force prints the list all the same.")
    # The other forms have them.
    problems = report.problems() if options.list or options.csv else ()
    for line in (*problems, *([warning] if warning else [])):
        sys.stderr.write(f"media_stats_module: {line}\n")
    if differences is not None:
        sys.stdout.flush()
        differences.write_to(sys.stdout.buffer)
    elif options.json:
        sys.stdout.write(report.to_json() + "\n")
    elif options.csv:
        sys.stdout.write(report.to_csv())
    else:
        sys.stdout.write(report.to_text() + "\n")


def _files_are_missing(tallies: "Tallies", suspects: int = 0) -> str | None:
    """The warning that this may be the wrong folder; None if few files are missing.

    Args:
        tallies: the figures so far.
        suspects: the number of further rows that seem to have no file.
    """
    rows = _count(tallies, "rows")
    without_file = _count(tallies, "without_file") + suspects
    if without_file * 2 <= rows:
        return None
    return (
        f"Of {rows:,} rows looked at, {without_file:,} have no file. This looks like "
        "another machine or another folder than the one that Synapse keeps media in."
    )


def _rows_are_missing(tallies: "Tallies") -> str | None:
    """The warning that this may be the wrong database; None if a file has a row."""
    files, without_row = _count(tallies, "files"), _count(tallies, "without_row")
    if files < _FILES_AT_LEAST or without_row < files:
        return None
    return (
        f"None of the {files:,} files has a row. This looks like the folder or the "
        "database of another homeserver."
    )


def _count(tallies: "Tallies", name: str) -> int:
    """A figure of all local and remote files, without thumbnails and previews."""
    from media_stats_module.disk.paths import MEDIA

    return sum(getattr(tallies[kind], name).media_count for kind in MEDIA)
