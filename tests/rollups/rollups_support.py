"""Shared by the tests of rollups on Synapse's harness."""

import csv
from typing import ClassVar

import pytest
from support import MODULE_PATH, MediaStatsTestCase
from synapse.module_api import JsonDict
from tests.server import FakeChannel
from tests.utils import USE_POSTGRES_FOR_TESTS

ROLLUPS = f"{MODULE_PATH}/v1/rollups"

ALICE = "@alice:test"
BOB = "@bob:test"

DAY_MS = 86_400_000


@pytest.mark.skipif(not USE_POSTGRES_FOR_TESTS, reason="rollups are for PostgreSQL")
class RollupsTestCase(MediaStatsTestCase):
    """A homeserver with rollups."""

    module_options: ClassVar[JsonDict] = {"rollups": True}

    def objects(self) -> list[str]:
        """The names of all objects that the module has added to the database."""
        rows = self.execute(
            "SELECT relname FROM pg_class UNION ALL SELECT proname FROM pg_proc "
            "UNION ALL SELECT tgname FROM pg_trigger"
        )
        return sorted(name for (name,) in rows if name.startswith("media_stats"))

    def state(self, source: str = "local") -> JsonDict:
        """The state of the totals of a source, from the API."""
        state: JsonDict = self.ask(ROLLUPS).json_body["rollups"][source]
        return state

    def check(self) -> FakeChannel:
        """Check on demand."""
        return self.make_request(
            "POST", f"{ROLLUPS}/check", access_token=self.admin_token
        )

    def differences(self) -> JsonDict | None:
        """The differences that the check finds for local media."""
        found: JsonDict | None = self.check().json_body["differences"]["local"]
        return found and {name: value for name, value in found.items() if value}

    def summary(self) -> JsonDict:
        answer: JsonDict = self.ask(f"{MODULE_PATH}/v1/summary").json_body
        return answer

    def lengths(self) -> set[int]:
        """The length of the one file, by each answer that can come from totals."""
        queries: list[JsonDict] = [
            {},
            {"order_by": "displayname"},
            {"search_term": "alice"},
            {"deactivated": "false"},
        ]
        lengths = {
            user["media_length"]
            for query in queries
            for user in self.users(query)["users"]
        }
        for query in queries:
            channel = self.ask_module(query | {"format": "csv"})
            (row,) = csv.DictReader(channel.text_body.splitlines())
            lengths.add(int(row["media_length"]))
        timeline = self.ask(f"{MODULE_PATH}/v1/timeline").json_body["buckets"]
        lengths |= {bucket["media_length"] for bucket in timeline} - {0}
        types = self.ask(f"{MODULE_PATH}/v1/types", {"group": "true"}).json_body
        lengths |= {each["media_length"] for each in types["types"]}
        return lengths | {self.summary()["local"]["uploads"]["media_length"]}

    def add_to_totals(self, length: int) -> None:
        """Make the totals wrong, to tell them from the media."""
        for table in ("owners", "days", "kinds"):
            self.execute(
                f"UPDATE media_stats_{table} SET media_length = media_length + ? "
                "WHERE source = 'local'",
                length,
            )
