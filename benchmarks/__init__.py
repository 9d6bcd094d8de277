"""Synapse's own endpoint, SQL by hand, and the module, side by side."""

import sys
from pathlib import Path

# The database servers are those of the tests, which are no package.
sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
