"""Every example in the OpenAPI document is a real answer, errors included."""

import json
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar
from unittest.mock import patch

from openapi_support import DOCUMENT, RESPONSES, OpenApiTestCase, answers, examples_of
from synapse.module_api import JsonDict
from synapse.module_api.errors import SynapseError
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module.storage.errors import QueryTimeoutError, QueueFullError


class AnswersTest(OpenApiTestCase):
    module_options: ClassVar[JsonDict] = {"rollups": bool(USE_POSTGRES_FOR_TESTS)}

    def build(self) -> None:
        """Build the totals at a fixed time."""
        self.run_round()
        self.execute(
            "UPDATE media_stats_state SET build_started_ts = 1767225600000, "
            "build_finished_ts = 1767225600420"
        )

    def test_answers(self) -> None:
        if USE_POSTGRES_FOR_TESTS:
            self.build()
        # Rollups come first: the background work soon checks totals of the future. The
        # check on demand comes last, because it stores its time.
        for example in sorted(
            answers(),
            key=lambda example: (example.method, "/v1/rollups" not in example.path),
        ):
            if not USE_POSTGRES_FOR_TESTS and "/v1/rollups" in example.path:
                continue
            channel = self.request(example.method, example.path, example.query)
            assert channel.code == 200, (example, channel.result)
            self.assert_answers(example, channel)


# The function that fails, and its error, where the request alone does not fail.
_FAILURES: dict[str, tuple[str, Exception]] = {
    "queue_full": ("storage.MediaStatsStore.get_users_page", QueueFullError()),
    "timeout": ("storage.MediaStatsStore.get_users_page", QueryTimeoutError()),
    # As in Synapse's `MasDelegatedAuth`.
    "authentication_service": (
        "rest.auth.is_requester_admin",
        SynapseError(503, "Unable to introspect the access token"),
    ),
}


class ErrorsTest(OpenApiTestCase):
    def failing(self, case: str) -> AbstractContextManager[object]:
        if case not in _FAILURES:
            return nullcontext()
        name, error = _FAILURES[case]
        return patch(f"media_stats_module.{name}", side_effect=error)

    def test_errors(self) -> None:
        _, ordinary = self.make_user("ordinary")
        asked = 0
        tokens = {"missing": "", "unknown": "no_such_token", "forbidden": ordinary}
        for name, status in (
            ("BadRequest", 400),
            ("Unauthorized", 401),
            ("Forbidden", 403),
            ("NotInstalled", 404),
            ("Unavailable", 503),
            ("AuthenticationUnavailable", 503),
        ):
            method = "post" if name == "NotInstalled" else "get"
            for example in examples_of(RESPONSES[name], method, ""):
                case = example.name.split()[-1]
                with self.failing(case):
                    channel = self.request(
                        method, example.path, example.query, tokens.get(case)
                    )
                assert channel.code == status, example
                self.assert_answers(example, channel)
                asked += 1
        assert asked == sum(
            len(answer["content"]["application/json"]["examples"])
            for answer in RESPONSES.values()
        )


def test_every_example_is_asked() -> None:
    """The tests above ask every example."""
    found = json.dumps(DOCUMENT).count('"x-query"')
    errors = sum(
        len(answer["content"]["application/json"]["examples"])
        for answer in RESPONSES.values()
    )
    assert found == len(list(answers())) + errors
