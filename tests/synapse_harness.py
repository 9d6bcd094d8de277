"""Synapse's own test harness, which its wheel leaves out.

It is the package `tests` in Synapse's source distribution. The distribution of the
installed version is downloaded once, checked against the digest in the package index,
and only this package is kept, in a cache.

As a script, it prints the folder of the harness, for tools that need a search path.
"""

import shutil
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage, PyPISimple

CACHE = Path(__file__).parent.parent / ".cache" / "synapse-harness"


def ensure_harness() -> Path:
    """Return the folder to put on `sys.path` to `import tests.unittest`.

    Any number of processes may do this at the same time.
    """
    synapse_version = version("matrix-synapse")
    destination = CACHE / synapse_version
    if destination.is_dir():
        return destination

    # The import takes most of a second, in each process of each run.
    from pypi_simple import PyPISimple

    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".fetching-") as directory:
        fetched = Path(directory) / "harness"
        fetched.mkdir()
        with PyPISimple() as index:
            package = _source_distribution(index, synapse_version)
            archive = Path(directory) / package.filename
            index.download_package(package, archive, verify=True)
        _extract_tests(archive, fetched)
        try:
            fetched.rename(destination)
        except OSError:
            # Another process was faster.
            if not destination.is_dir():
                raise
    return destination


def _source_distribution(index: "PyPISimple", wanted: str) -> "DistributionPackage":
    for package in index.get_project_page("matrix-synapse").packages:
        if package.package_type == "sdist" and package.version == wanted:
            return package
    raise RuntimeError(f"There is no source distribution of matrix-synapse {wanted}.")


def _extract_tests(archive: Path, destination: Path) -> None:
    with tarfile.open(archive) as sdist:
        for member in sdist:
            # matrix_synapse-1.163.2/tests/unittest.py
            parts = PurePosixPath(member.name).parts[1:]
            source = sdist.extractfile(member) if parts[:1] == ("tests",) else None
            if source is None or ".." in parts:
                continue
            target = destination.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with source, target.open("wb") as file:
                shutil.copyfileobj(source, file)


if __name__ == "__main__":
    sys.stdout.write(f"{ensure_harness()}\n")
