"""What a person reads on the dashboard, against what the API answers.

Numbers are compared as they are on the screen, units and labels included. Those of the
chart, of files and in dialogs are in test_chart.py, test_largest_files.py and
test_dialogs.py.
"""

from typing import Any

import pytest
from browser_server import SOURCES, USERS, Server
from dashboard_page import DashboardPage, read_rows
from numbers_support import LABELS, TYPES, part_rows, read_widths
from playwright.sync_api import expect
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
    assert section.locator(".tiles").inner_text().split("\n") == [
        *tile("Total", summary["total"], local["thumbnails"], remote["thumbnails"]),
        *tile("Local", local["total"], local["thumbnails"]),
        "1 pending upload",
        *tile("Remote", remote["total"], remote["thumbnails"]),
        *("Quarantined", human(quarantined["media_length"]), "2 files"),
    ]


def test_media_store_by_content(signed_in: DashboardPage, server: Server) -> None:
    summary = server.ask("summary")
    local, remote = summary["local"], summary["remote"]
    parts = {
        "Local": local["uploads"],
        "Local, URL previews": local["url_previews"],
        "Local, without an owner": local["without_owner"],
        "Local, thumbnails": local["thumbnails"],
        "Remote": remote["cached"],
        "Remote, thumbnails": remote["thumbnails"],
    }
    section = signed_in.section("What fills the media store").locator(".whole")
    assert read_rows(section) == part_rows(parts)
    assert read_widths(section) == pytest.approx(
        [
            part["media_length"] / summary["total"]["media_length"]
            for part in parts.values()
        ],
        abs=0.02,
    )


def test_duplicates_on_request(signed_in: DashboardPage, server: Server) -> None:
    section = signed_in.page.get_by_role("region", name="Duplicates")
    section.get_by_role("button", name="Look for duplicates").click()
    signed_in.wait_until_loaded()

    duplicates = server.ask("summary", {"duplicates": "true"})["duplicates"]
    expect(section.locator(".content")).to_have_text(
        "This version of Synapse does not keep the hashes of files."
        if duplicates is None
        else f"{human(duplicates['media_length'])} in "
        f"{files(duplicates['media_count'])} that are copies of another file."
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
    """Compares all rows, and what part of the whole each is."""
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
            # The least on the screen is no more than the least there is.
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
