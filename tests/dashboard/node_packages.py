"""The packages of npm for the dashboard's tests, in `.cache` below the repository.

As a command (`python tests/dashboard/node_packages.py`, a part of `tox -e lint`) it
checks the types in the dashboard's scripts.
"""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_CACHE = _HERE.parent.parent / ".cache" / "node"
_LOCK = "package-lock.json"


def find_node() -> str | None:
    """The path of Node, if it is there with npm."""
    return shutil.which("node") if shutil.which("npm") else None


def ensure_node_packages() -> Path:
    """Install the missing packages of package-lock.json; return their folder.

    Any number of processes may do this at the same time.
    """
    lock = (_HERE / _LOCK).read_bytes()
    installed = _CACHE / "installed"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "busy").open("w") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_bytes() != lock:
            for name in ("package.json", _LOCK):
                shutil.copy(_HERE / name, _CACHE / name)
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=_CACHE,
                check=True,
            )
            installed.write_bytes(lock)
    return _CACHE / "node_modules"


def _check_types() -> int:
    node = find_node()
    if node is None:
        # No user depends on them.
        sys.stderr.write("No Node: types in the dashboard's scripts are not checked.\n")
        return 0
    packages = ensure_node_packages()
    # The chart library's types are in its package, not beside the file that the page
    # loads.
    chart = packages / "uplot" / "dist" / "uPlot.d.ts"
    config = _CACHE / "tsconfig.json"
    text = (_HERE / "tsconfig.json").read_text()
    scripts = _HERE.parent.parent / "media_stats_module" / "dashboard" / "js"
    text = text.replace(
        '"../../media_stats_module/dashboard/js"', f'"{scripts}", "{chart}"'
    )
    config.write_text(text)
    compiler = packages / "typescript" / "bin" / "tsc"
    return subprocess.run([node, str(compiler), "-p", str(config)]).returncode


if __name__ == "__main__":
    sys.exit(_check_types())
