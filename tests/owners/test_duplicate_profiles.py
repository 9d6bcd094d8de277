"""`/v1/users` after a broken unique index has left two profiles of one user."""

from typing import ClassVar

from modes_support import DIRECTIONS
from owners_support import OwnersTestCase, in_every_mode_of_owners
from support import LocalMedia

_ALICE, _BOB = "@alice:test", "@bob:test"


@in_every_mode_of_owners
class DuplicateProfilesTestCase(OwnersTestCase):
    """The user has the first displayname, in all ways to answer."""

    shares_homeserver: ClassVar[bool] = False

    def test_each_user_is_listed_once(self) -> None:
        self.execute("CREATE TABLE copied_profiles AS SELECT * FROM profiles")
        self.execute("DROP TABLE profiles")
        self.execute("ALTER TABLE copied_profiles RENAME TO profiles")
        self.fill(LocalMedia(user_id=_ALICE), LocalMedia(user_id=_BOB))
        for displayname in ("b", "a", None):
            self.insert_profiles({_ALICE: displayname})

        for order_by in ("user_id", "displayname", "media_length", "media_count"):
            for direction in DIRECTIONS:
                for more, found in (
                    ({}, {_ALICE: "a", _BOB: None}),
                    ({"from_ts": 1}, {_ALICE: "a", _BOB: None}),
                    ({"search_term": "a"}, {_ALICE: "a"}),
                    ({"search_term": "b"}, {_BOB: None}),
                ):
                    query = {"order_by": order_by, "dir": direction, **more}
                    answer = self.answer(query)
                    users = answer["users"]
                    assert answer["total"] == len(users) == len(found), query
                    assert found == {
                        user["user_id"]: user["displayname"] for user in users
                    }, query
