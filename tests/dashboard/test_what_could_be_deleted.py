"""What could be deleted: the API, the files, and the commands, on the screen."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browser_server import SOURCES, Server
from dashboard_page import DashboardPage, read_rows
from playwright.sync_api import Locator, expect
from reading import day, files, human, total

pytestmark = pytest.mark.once

_LABELS = {"local": "Local files", "remote": "Cached remote files"}
_REASONS = {
    "avatar": "used as an avatar",
    "protected": "protected",
    "quarantined": "quarantined",
}


def _look(dashboard: DashboardPage) -> Locator:
    section = dashboard.section("What could be deleted")
    section.get_by_role("button", name="Look for old files").click()
    dashboard.wait_until_loaded()
    return section


def _ages(answer: dict[str, Any]) -> list[list[str]]:
    return [
        [
            f"{age['days']} days since {day(age['before_ts'])}",
            *(_amount(age[source]) for source in SOURCES if source in age),
        ]
        for age in answer["ages"]
    ]


def _amount(part: dict[str, Any]) -> str:
    thumbnails = part["thumbnails"]
    return "\n".join(
        [
            human(total([part, thumbnails])["media_length"]),
            files(part["media_count"]),
            files(thumbnails["media_count"], "thumbnail"),
        ]
    )


def test_ages_and_what_stays(signed_in: DashboardPage, server: Server) -> None:
    asked: list[str] = []
    signed_in.page.on("request", lambda request: asked.append(request.url))
    assert not any("/reclaimable" in url for url in asked)
    section = _look(signed_in)
    answer = server.ask("reclaimable")

    assert read_rows(section.locator(".ages")) == _ages(answer)
    expect(section.get_by_role("radio", name="90 days")).to_be_checked()
    for age in answer["ages"]:
        section.get_by_role("radio", name=f"{age['days']} days").check()
        signed_in.wait_until_loaded()
        assert section.locator(".kept li").all_inner_texts() == [
            f"{_LABELS[source]}, {words}: {human(kept['media_length'])} "
            f"in {files(kept['media_count'])}"
            for source in SOURCES
            for reason, words in _REASONS.items()
            if (kept := age[source]["kept"].get(reason, {"media_count": 0}))[
                "media_count"
            ]
        ]
    # Both are shown by this data.
    assert section.locator(".kept li").count() or answer["ages"][0]["local"]["kept"]


def test_size_and_avatars(signed_in: DashboardPage, server: Server) -> None:
    section = _look(signed_in)
    section.get_by_label("Larger than").select_option("1 MiB")
    signed_in.wait_until_loaded()
    larger = server.ask("reclaimable", {"size_gt": 1 << 20})
    assert read_rows(section.locator(".ages")) == _ages(larger)
    section.get_by_label("Keep avatars").uncheck()
    signed_in.wait_until_loaded()
    assert "size_gt=1048576&keep_profiles=false" in signed_in.page.url
    answer = server.ask("reclaimable", {"size_gt": 1 << 20, "keep_profiles": "false"})
    assert read_rows(section.locator(".ages")) == _ages(answer)
    expect(section.locator("pre")).to_contain_text("size_gt=1048576")
    expect(section.locator("pre")).to_contain_text("keep_profiles=false")


@pytest.mark.parametrize("source", SOURCES)
def test_files_that_would_go(
    signed_in: DashboardPage, server: Server, source: str
) -> None:
    section = _look(signed_in)
    section.get_by_role("radio", name="30 days").check()
    section.get_by_role("radio", name=source.capitalize()).check()
    signed_in.wait_until_loaded()
    age = server.ask("reclaimable")["ages"][0]
    # The page's answer is some seconds older. No file is dated in between.
    query = {
        "source": source,
        "reclaimable_before_ts": age["before_ts"],
        "order_by": "media_length",
        "dir": "b",
    }
    found = server.ask("files", {**query, "limit": 1000})["files"]
    assert len(found) == age[source]["media_count"] > 0

    shown = section.locator(".list tbody tr")
    for first in range(20, len(found) + 20, 20):
        expect(shown).to_have_count(min(first, len(found)))
        if first < len(found):
            section.get_by_role("button", name="Show more").click()
    assert section.locator(".list code").all_inner_texts() == [
        file["mxc"] for file in found
    ]
    with signed_in.page.expect_download() as download:
        section.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == f"reclaimable-{source}.csv"
    assert Path(download.value.path()).read_bytes() == server.ask_bytes(
        "files", {**query, "format": "csv"}
    )


def test_commands_delete_what_is_shown(
    signed_in: DashboardPage, server: Server
) -> None:
    section = _look(signed_in)
    section.get_by_role("radio", name="180 days").check()
    signed_in.wait_until_loaded()
    local, remote = section.locator("pre").inner_text().split("\n")
    start = """curl -X POST -H "Authorization: Bearer $TOKEN" '"""
    admin = f"{server.homeserver.base_url}/_synapse/admin/v1"
    assert local.startswith(f"{start}{admin}/media/delete?before_ts=")
    assert local.endswith("&size_gt=0&keep_profiles=true'")
    assert remote.startswith(f"{start}{admin}/purge_media_cache?before_ts=")
    times = {
        parse_qs(urlsplit(line.split("'")[1]).query)["before_ts"][0]
        for line in (local, remote)
    }
    (before_ts,) = times
    row = section.locator(".ages tbody tr").nth(2)
    expect(row).to_contain_text(f"180 days since {day(int(before_ts))}")


def test_media_retention_is_said(signed_in: DashboardPage, server: Server) -> None:
    day_ms = 24 * 60 * 60 * 1000
    answer = server.ask("reclaimable")
    assert answer["media_retention"] is None
    part = answer["ages"][0]["remote"]
    answer["media_retention"] = {
        "local_media_lifetime": None,
        "remote_media_lifetime": 30 * day_ms,
        "remote": part,
    }
    signed_in.page.route(
        "**/v1/reclaimable?*", lambda route: route.fulfill(json=answer)
    )
    section = _look(signed_in)
    size = human(total([part, part["thumbnails"]])["media_length"])
    expect(section.locator(".retention")).to_have_text(
        "Synapse deletes by itself (media_retention): cached "
        f"remote files that nobody has read for 30 days (now {size} in "
        f"{files(part['media_count'])})."
    )


def test_of_one_user(signed_in: DashboardPage, server: Server) -> None:
    dialog = signed_in.open_user("hostile")
    section = dialog.get_by_role("region", name="What could be deleted")
    section.get_by_role("button", name="Look for old files").click()
    signed_in.wait_until_loaded()
    answer = server.ask("reclaimable", {"user": "@hostile:example.org"})
    assert read_rows(section.locator(".ages")) == _ages(answer)
    # Synapse's APIs delete by age for the whole server only.
    expect(section.locator("pre")).to_be_hidden()
    # The page below has asked for nothing.
    expect(
        signed_in.page.locator("main > .reclaimable").get_by_text("Look for old files")
    ).to_be_attached()
    signed_in.page.go_back()
    expect(dialog).to_be_hidden()
    assert signed_in.page.url == signed_in.url
