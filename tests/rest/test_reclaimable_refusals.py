"""Errors of `/v1/reclaimable` and of its filters of files, in Synapse's words."""

from media_support import ALICE
from reclaimable_support import ReclaimableMediaTestCase
from support import MODULE_PATH


class RefusalsTestCase(ReclaimableMediaTestCase):
    """Requests that Synapse refuses are refused here, in the same words."""

    def test_as_synapse(self) -> None:
        for query in (
            "before_ts=x",
            "before_ts=",
            "before_ts=-1",
            "before_ts=0",
            "before_ts=29999999999",
            "before_ts=30000000000&size_gt=-1",
            "before_ts=30000000000&size_gt=x",
            "before_ts=30000000000&keep_profiles=1",
            "before_ts=5&size_gt=x&keep_profiles=2",
            "before_ts=5&size_gt=-1",
            "before_ts=x&size_gt=x",
        ):
            synapse = self.make_request(
                "POST",
                f"/_synapse/admin/v1/media/{self.server_name}/delete?{query}",
                access_token=self.admin_token,
            )
            ours = self.make_request(
                "GET",
                f"{MODULE_PATH}/v1/reclaimable?{query}",
                access_token=self.admin_token,
            )
            assert ours.code == synapse.code == 400, query
            assert ours.json_body == synapse.json_body, query
            listed = self.make_request(
                "GET",
                f"{MODULE_PATH}/v1/files?"
                + query.replace("before_ts", "reclaimable_before_ts"),
                access_token=self.admin_token,
            )
            error = synapse.json_body["error"]
            assert listed.json_body["error"] == error.replace(
                "before_ts", "reclaimable_before_ts"
            ), query

    def test_more(self) -> None:
        for query in (
            {"before_ts": 2**63},
            {"before_ts": 30_000_000_000, "size_gt": 2**63},
            {"source": "both"},
            {"user": "alice"},
            {"user": ALICE, "source": "remote"},
            {"user": ALICE, "server_name": "a.org"},
            {"format": "csv"},
        ):
            assert self.request(query).code == 400, query
        for query in ({"before_ts": 2**63 - 1}, {"size_gt": 2**63 - 1}):
            assert self.request(query).code == 200, query

    def test_hash(self) -> None:
        for sha256 in ("", "a", "g" * 64, "a" * 63, "a" * 65, "é" * 64):
            channel = self.ask(f"{MODULE_PATH}/v1/files", {"sha256": sha256})
            assert channel.code == 400, sha256
