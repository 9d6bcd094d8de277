"""The numbers on the dashboard are those of the API.

They are compared as they are on the screen, with units and labels. test_chart.py,
test_files_search.py and test_dialogs.py test those of the chart, of files and of
dialogs.
"""

from collections.abc import Callable
from typing import Any

import pytest
from browser_server import SOURCES, USERS, Server
from dashboard_page import DashboardPage, read_rows
from numbers_support import LABELS, TYPES, first_day, part_rows, read_widths
from playwright.sync_api import Route, expect
from reading import exact, files, human, share, total

pytestmark = pytest.mark.once


def test_totals(signed_in: DashboardPage, server: Server) -> None:
    summary = server.ask("summary")
    local, remote = summary["local"], summary["remote"]

    def tile(label: str, whole: Any, *thumbnails: Any) -> list[str]:
        small = total(thumbnails)["media_count"]
        return [
            label,
            human(whole["media_length"]),
            f"{files(whole['media_count'] - small)}, {files(small, 'thumbnail')}",
        ]

    quarantined = total([local["quarantined"], remote["quarantined"]])
    assert quarantined["media_count"] == 2
    assert local["pending"]["media_count"] == 1
    section = signed_in.section("What fills the media store")
    growth = signed_in.section("How fast it grows")
    free, _, of = growth.locator(".tiles").inner_text().split("\n")
    disk = server.ask("summary", {"limits": "true"})["limits"]["file_system"]
    assert (free, of) == ("Free on the disk", f"of {human(disk['total_length'])}")
    assert section.locator(".tiles").inner_text().split("\n") == [
        *tile("Total", summary["total"], local["thumbnails"], remote["thumbnails"]),
        *tile("Local", local["total"], local["thumbnails"]),
        "1 pending upload",
        *tile("Remote", remote["total"], remote["thumbnails"]),
        *("Quarantined", human(quarantined["media_length"]), "2 files"),
    ]


def test_growth(signed_in: DashboardPage, server: Server) -> None:
    since = {"from_ts": first_day(30)}
    added = [
        total(server.ask("timeline", {**since, "source": source})["buckets"])
        for source in SOURCES
    ]
    both = total(added)
    section = signed_in.section("How fast it grows")
    assert read_rows(section) == [
        [
            label,
            human(round(usage["media_length"] / 30)),
            human(usage["media_length"]),
            f"{usage['media_count']:,}",
        ]
        for label, usage in zip(
            ("Local", "Remote", "Both"), [*added, both], strict=True
        )
    ]
    # The sum shows each of its parts.
    assert len({human(usage["media_length"]) for usage in [*added, both]}) == 3
    month = both["media_length"]
    for free, retention, outlook in (
        (month // 60, None, "At this rate full in less than a day."),
        (month * 2, None, "At this rate full in about 60 days."),
        (month * 14, None, "At this rate full in about 14 months."),
        (month * 49, None, "At this rate full in about 4 years."),
        (month * 9999, None, "At this rate full in more than 50 years."),
        (month, 9000, "(media_retention), so this does not say when the disk is full"),
        (None, None, ""),
    ):
        signed_in.page.route(
            "**/v1/summary?limits=true", _limits(server, free, retention)
        )
        signed_in.page.get_by_role("button", name="Refresh").click()
        signed_in.wait_until_loaded()
        expect(section.locator(".outlook")).to_contain_text(outlook)
        if free is None:
            expect(section.locator(".outlook")).to_be_hidden()
            expect(section).not_to_contain_text("Free on the disk")
            store = signed_in.section("What fills the media store")
            expect(store).not_to_contain_text("url_preview_enabled")


def _limits(
    server: Server, free: int | None, retention: int | None
) -> Callable[[Route], None]:
    disk = None if free is None else {"total_length": free * 2, "free_length": free}
    limits = {
        "file_system": disk,
        "media_retention": {
            "local_media_lifetime": None,
            "remote_media_lifetime": retention,
        },
        "url_preview_enabled": True,
    }
    summary = server.ask("summary")
    return lambda route: route.fulfill(json={**summary, "limits": limits})


def test_media_store_by_content(signed_in: DashboardPage, server: Server) -> None:
    summary = server.ask("summary")
    local, remote = summary["local"], summary["remote"]
    parts = {
        "Local, uploads": local["uploads"],
        "Local, URL previews": local["url_previews"],
        "Local, without an owner": local["without_owner"],
        "Local, thumbnails": local["thumbnails"],
        "Remote, files": remote["cached"],
        "Remote, thumbnails": remote["thumbnails"],
    }
    store = signed_in.section("What fills the media store")
    expect(store).to_contain_text("so Synapse no longer removes old ones by itself.")
    section = store.locator(".whole")
    assert read_rows(section) == part_rows(parts)
    assert read_widths(section) == pytest.approx(
        [
            part["media_length"] / summary["total"]["media_length"]
            for part in parts.values()
        ],
        abs=0.02,
    )


def test_types(signed_in: DashboardPage, server: Server) -> None:
    section = signed_in.section("Types of files")
    for index, source in enumerate(SOURCES):
        types = server.ask("types", {"group": "true", "source": source})["types"]
        types.sort(key=lambda usage: -usage["media_length"])
        whole = section.locator(".whole").nth(index)
        parts = {TYPES[usage["group"]]: usage for usage in types}

        expect(whole.locator("caption")).to_have_text(LABELS[source])
        assert read_rows(whole) == part_rows(parts)
        size = total(parts.values())["media_length"]
        assert read_widths(whole) == pytest.approx(
            [part["media_length"] / size for part in parts.values()], abs=0.02
        )


def test_users_and_servers(signed_in: DashboardPage, server: Server) -> None:
    """Compares all rows, and their shares."""
    signed_in.page.set_viewport_size({"width": 1440, "height": 900})
    for source, name, endpoint in (
        ("local", "Users", "users"),
        ("remote", "Servers", "servers"),
    ):
        section = signed_in.section(name)
        section.get_by_label("Rows").select_option("25")
        signed_in.wait_until_loaded()
        rows = server.ask(endpoint, {"order_by": "media_length", "dir": "b"})[endpoint]
        buckets = server.ask("timeline", {"source": source})["buckets"]
        whole = total(buckets)["media_length"]

        expect(section.locator(".found")).to_have_text(
            f"{len(rows)} in this time range"
        )
        for _ in range(2):
            assert [row[-2:] for row in signed_in.rows(name)] == [
                [
                    str(row["media_count"]),
                    f"{share(row['media_length'], whole)}\n"
                    f"{human(row['media_length'])}",
                ]
                for row in rows
            ]
            shares = section.locator(".meter").evaluate_all(
                "all => all.map(each => each.firstChild.getBoundingClientRect().width"
                " / each.getBoundingClientRect().width)"
            )
            # The smallest value on the screen is at most the smallest there is.
            assert shares == pytest.approx(
                [max(row["media_length"] / whole, 1 / 64) for row in rows], abs=0.02
            )
            section.get_by_role("button", name="Size").click()
            signed_in.wait_until_loaded()
            rows.sort(key=lambda row: row["media_length"])


def test_exact_sizes_are_tooltips(signed_in: DashboardPage, server: Server) -> None:
    users = server.ask("users", {"order_by": "media_length", "dir": "b"})["users"]
    titles = signed_in.section("Users").locator(".amount[title]").all()
    assert [title.get_attribute("title") for title in titles] == [
        exact(user["media_length"]) for user in users[:10]
    ]
    assert len(users) == USERS
