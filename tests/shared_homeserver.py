"""Homeservers that many tests use, one after the other.

Starting and stopping a homeserver takes longer than most tests.
"""

import gc
import json
from collections.abc import Hashable

from tests.unittest import HomeserverTestCase

# Each was set up for a test that never ran. None is stopped: the process ends soon.
_owners: dict[Hashable, HomeserverTestCase] = {}


def lend_homeserver(test: HomeserverTestCase, key: Hashable) -> None:
    """Give a test the homeserver of an earlier one, or else a new one.

    Args:
        test: gets the attributes that the harness would set.
        key: the homeserver's setup, besides its configuration.
    """
    key = (json.dumps(test.default_config(), sort_keys=True), key)
    owner = _owners.get(key)
    if owner is None:
        owner = _owners[key] = type(test)(test._testMethodName)
        HomeserverTestCase.setUp(owner)
        # Older harnesses collect garbage after each test, and would visit all of it.
        gc.freeze()
    given = {
        name: value for name, value in vars(owner).items() if name not in vars(test)
    }
    vars(test).update(given)
