""" "What could be deleted" on the screen: the API's numbers, files, and commands."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from browser_server import SOURCES, Server
from dashboard_page import DashboardPage, read_rows
from playwright.sync_api import Locator, Page, Request, Route, expect
from reading import day, files, human, total

from benchmarks.questions import DASHBOARD, DASHBOARD_OF_SMALL_STORE

pytestmark = pytest.mark.once

_LABELS = {"local": "Local", "remote": "Remote"}
_REASONS = {
    "avatar": "used as an avatar",
    "protected": "protected",
    "quarantined": "quarantined",
}


def _section(dashboard: DashboardPage) -> Locator:
    return dashboard.section("What could be deleted")


def _ages(answer: dict[str, Any]) -> list[list[str]]:
    rows = []
    for age in answer["ages"]:
        parts = [age[source] for source in SOURCES if source in age]
        amounts = [*parts, total(parts)] if len(parts) > 1 else parts
        rows.append(
            [
                f"{age['days']} days since {day(age['before_ts'])}",
                *(
                    f"{human(each['media_length'])}\n{files(each['media_count'])}"
                    for each in amounts
                ),
            ]
        )
    return rows


def _pretend_it_is_large(page: Page) -> None:
    """Answer like a server on which reading all files takes long."""

    def answer(route: Route) -> None:
        summary = route.fetch(max_retries=3).json()
        summary["total"]["media_count"] += 100_000
        route.fulfill(json=summary)

    page.route("**/v1/summary?limits=true", answer)


def _questions(urls: Sequence[str]) -> set[str]:
    """Those to the API, without the time of the day."""
    return {
        re.sub(r"from_ts=\d+", "from_ts=", url.partition("media_stats/v1/")[2])
        for url in urls
        if "media_stats/v1/" in url
    }


def test_ages_and_what_stays(signed_in: DashboardPage, server: Server) -> None:
    section = _section(signed_in)
    answer = server.ask("reclaimable", {"thumbnails": "true"})

    assert read_rows(section.locator(".ages")) == _ages(answer)
    expect(section.get_by_role("radio", name="90 days")).to_be_checked()
    kept: list[str] = []
    for age in answer["ages"]:
        section.get_by_role("radio", name=f"{age['days']} days").check()
        signed_in.wait_until_loaded()
        stays = section.locator(".decision li").all_inner_texts()
        assert stays == [
            f"Stay, {words}: {human(usage['media_length'])} "
            f"in {files(usage['media_count'])}"
            for source in SOURCES
            for reason, words in _REASONS.items()
            for usage in [age[source]["kept"].get(reason, {"media_count": 0})]
            if usage["media_count"]
        ]
        kept += stays
        assert section.locator("h3").all_inner_texts() == [
            f"{_LABELS[source]}: {human(age[source]['media_length'])} in "
            f"{files(age[source]['media_count'])}"
            for source in SOURCES
        ]
        small = total(age[source]["thumbnails"] for source in SOURCES)
        expect(section.locator(".thumbnails")).to_have_text(
            f"Their thumbnails go, too: {human(small['media_length'])} in "
            f"{files(small['media_count'], 'thumbnail')}."
            if small["media_count"]
            else f"Their thumbnails go, too: 0 B in {files(0, 'thumbnail')}."
        )
    assert any("protected" in text for text in kept)
    assert any("quarantined" in text for text in kept)


def test_ages_by_keyboard(signed_in: DashboardPage) -> None:
    section = _section(signed_in)
    radio = section.get_by_role("radio", name="90 days")
    radio.focus()
    for days in (180, 365, 30):
        signed_in.page.keyboard.press("ArrowDown")
        chosen = section.get_by_role("radio", name=f"{days} days")
        expect(chosen).to_be_focused()
        expect(chosen).to_be_checked()
    assert "reclaimable=30" in signed_in.page.url


def test_large_store_is_asked_after_a_click(
    dashboard: DashboardPage, server: Server
) -> None:
    asked: list[str] = []
    page = dashboard.page
    page.on("request", lambda request: asked.append(request.url))
    _pretend_it_is_large(page)
    dashboard.sign_in(server.admin.access_token)
    section = _section(dashboard)
    # Exactly the requests that the benchmark counts for a load of the page.
    assert _questions(asked) == {"rollups", *_questions(DASHBOARD)}
    asked.clear()
    expect(section.get_by_role("button", name="Copy")).to_have_count(0)
    section.get_by_role("button", name="Look for old files").click()
    # The focused element is gone.
    expect(section.get_by_role("heading", level=2)).to_be_focused()
    dashboard.wait_until_loaded()
    assert read_rows(section.locator(".ages")) == _ages(server.ask("reclaimable"))
    expect(section.get_by_role("radio", name="90 days")).to_be_checked()
    # So is the list of files.
    list_of_files = dashboard.section("Files")
    list_of_files.get_by_role("button", name="List the files").click()
    expect(list_of_files.locator("tbody tr")).to_have_count(20)
    expect(list_of_files.get_by_role("heading", level=2)).to_be_focused()
    assert _questions(asked) == _questions(DASHBOARD_OF_SMALL_STORE)


def test_empty_store(dashboard: DashboardPage, server: Server) -> None:
    """There is nothing to delete, so there are no commands."""
    nothing = {"media_count": 0, "media_length": 0}

    def answer(route: Route) -> None:
        summary = route.fetch(max_retries=3).json()
        for part in (summary, summary["local"], summary["remote"]):
            for key, usage in part.items():
                if set(usage if isinstance(usage, dict) else ()) == set(nothing):
                    part[key] = nothing
        route.fulfill(json=summary)

    dashboard.page.route("**/v1/summary?limits=true", answer)
    dashboard.sign_in(server.admin.access_token, "#reclaimable=90")
    section = _section(dashboard)
    expect(section.get_by_text("No media yet.")).to_be_visible()
    expect(section.get_by_role("button", name="Copy")).to_have_count(0)
    expect(section.get_by_role("radio", name="90 days")).to_have_count(0)
    page = dashboard.page
    expect(page.get_by_role("button", name="Look for duplicates")).to_have_count(0)
    expect(page.get_by_role("link", name="Duplicates")).to_have_count(0)
    expect(page.get_by_role("button", name="List the files")).to_have_count(0)


def test_size_and_avatars(signed_in: DashboardPage, server: Server) -> None:
    page = signed_in.page
    section = _section(signed_in)
    section.get_by_text("The files", exact=True).click()
    # The list is asked for a moment after the click.
    expect(section.locator(".list tbody tr")).not_to_have_count(0)
    lists: list[str] = []

    def note(request: Request) -> None:
        if "/v1/files" in request.url:
            lists.append(request.url)

    page.on("request", note)
    section.get_by_label("Larger than").select_option("1 MiB")
    signed_in.wait_until_loaded()
    larger = server.ask("reclaimable", {"size_gt": 1 << 20})
    assert read_rows(section.locator(".ages")) == _ages(larger)
    # Once, with the time of the new answer.
    (listed,) = lists
    asked = parse_qs(urlsplit(listed).query)
    assert (asked["size_gt"], asked["keep_profiles"]) == (["1048576"], ["true"])
    (before_ts,) = asked["reclaimable_before_ts"]
    expect(section.locator("pre").first).to_contain_text(f"before_ts={before_ts}&")

    section.get_by_label("Keep avatars").uncheck()
    signed_in.wait_until_loaded()
    assert "size_gt=1048576&keep_profiles=false" in page.url
    answer = server.ask("reclaimable", {"size_gt": 1 << 20, "keep_profiles": "false"})
    assert read_rows(section.locator(".ages")) == _ages(answer)
    expect(section.locator("pre").first).to_contain_text("size_gt=1048576")
    expect(section.locator("pre").first).to_contain_text("keep_profiles=false")

    # An address can have any size.
    page.goto(f"{signed_in.url}#size_gt=5000")
    signed_in.wait_until_loaded()
    expect(section.get_by_label("Larger than").locator("option:checked")).to_have_text(
        "4.88 KiB"
    )
    expect(section.locator("pre").first).to_contain_text("size_gt=5000")


@pytest.mark.parametrize("source", SOURCES)
def test_files_that_would_go(
    signed_in: DashboardPage, server: Server, source: str
) -> None:
    section = _section(signed_in)
    section.get_by_role("radio", name="30 days").check()
    section.get_by_text("The files", exact=True).click()
    section.get_by_role("radio", name=source.capitalize()).check()
    signed_in.wait_until_loaded()
    age = server.ask("reclaimable")["ages"][0]
    # The page's answer is some seconds older. No file has a time in between.
    query = {
        "source": source,
        "reclaimable_before_ts": age["before_ts"],
        "order_by": "media_length",
        "dir": "b",
    }
    found = server.ask("files", {**query, "limit": 1000})["files"]
    part = age[source]
    previews = part.get("url_previews", {"media_count": 0})["media_count"]
    assert len(found) == part["media_count"] + previews > 0

    shown = section.locator(".list tbody tr")
    for first in range(20, len(found) + 20, 20):
        expect(shown).to_have_count(min(first, len(found)))
        if first < len(found):
            section.get_by_role("button", name="Show more").click()
    assert section.locator(".list th code").all_inner_texts() == [
        file["mxc"] for file in found
    ]
    with signed_in.page.expect_download() as download:
        section.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == f"reclaimable-{source}.csv"
    assert Path(download.value.path()).read_bytes() == server.ask_bytes(
        "files", {**query, "format": "csv"}
    )


def test_list_that_is_not_known_cannot_be_downloaded(signed_in: DashboardPage) -> None:
    """The list is asked for again, slowly, and fails: no list of all must come."""
    page = signed_in.page
    section = _section(signed_in)
    section.get_by_text("The files", exact=True).click()
    signed_in.wait_until_loaded()
    csv = section.get_by_role("button", name="CSV")
    expect(csv).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    held: list[Route] = []
    page.route("**/v1/reclaimable?*", lambda route: held.append(route))

    with page.expect_request("**/v1/reclaimable?*"):
        page.get_by_role("button", name="Refresh").click()
    for hidden in (csv, section.get_by_role("button", name="Copy")):
        expect(hidden).to_have_count(0)
    # Not even for a script.
    section.locator(".csv").dispatch_event("click")
    held.pop().fulfill(status=500, json={"error": "No."})
    expect(section.get_by_role("alert")).to_contain_text("No.")
    expect(csv).to_have_count(0)
    section.locator(".csv").dispatch_event("click")
    page.wait_for_timeout(300)
    assert not [url for url in asked if "format=csv" in url]


def test_commands_delete_what_is_shown(
    signed_in: DashboardPage, server: Server
) -> None:
    page = signed_in.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    section = _section(signed_in)
    section.get_by_role("radio", name="180 days").check()
    signed_in.wait_until_loaded()
    local, remote = section.locator("pre").all_inner_texts()
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
    for command, name in ((local, "local"), (remote, "remote")):
        button = section.get_by_role(
            "button", name=f"Copy the command that deletes these {name} files"
        )
        button.click()
        expect(button).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == command


def test_media_retention_is_said(signed_in: DashboardPage, server: Server) -> None:
    day_ms = 24 * 60 * 60 * 1000
    answer = server.ask("reclaimable", {"thumbnails": "true"})
    assert answer["media_retention"] is None
    part = answer["ages"][0]["remote"]
    answer["media_retention"] = {
        "local_media_lifetime": None,
        "remote_media_lifetime": 30 * day_ms,
        "remote": part,
    }
    previews = {"media_count": 3, "media_length": 5 << 20}
    answer["ages"][1]["local"]["url_previews"] = previews
    signed_in.page.route(
        "**/v1/reclaimable?*", lambda route: route.fulfill(json=answer)
    )
    signed_in.page.get_by_role("button", name="Refresh").click()
    section = _section(signed_in)
    expect(section.locator(".retention")).to_have_text(
        "Synapse deletes by itself (media_retention): "
        "remote files that nobody has read for 30 days "
        f"(now {human(part['media_length'])} in {files(part['media_count'])})."
    )
    expect(section).to_contain_text(
        "Synapse also removes 3 URL previews from its database, but leaves 5.00 MiB "
        "of them on the disk."
    )


def test_of_one_user(signed_in: DashboardPage, server: Server) -> None:
    dialog = signed_in.open_user("hostile")
    section = dialog.get_by_role("region", name="What could be deleted")
    answer = server.ask("reclaimable", {"user": "@hostile:example.org"})
    assert read_rows(section.locator(".ages")) == _ages(answer)
    # Synapse's APIs delete by age for the whole server only.
    expect(section.locator("pre")).to_have_count(0)
    # Synapse's own deletion of one user's media deletes all of it.
    local = server.ask("summary", {"user": "@hostile:example.org"})["local"]
    usage = total([local["uploads"], local["url_previews"]])
    step = dialog.get_by_role("region", name="Delete all files of this user")
    expect(step).to_contain_text(
        f"Now {files(usage['media_count'])} ({human(usage['media_length'])})"
    )
    expect(step.locator("pre")).to_have_text(
        'curl -X DELETE -H "Authorization: Bearer $TOKEN" '
        f"'{server.homeserver.base_url}/_synapse/admin/v1/users/"
        f"@hostile:example.org/media?limit={usage['media_count']}'"
    )
    # Old user IDs may have any character; none ends the argument.
    user = "@a'; exit 1 #$(exit 1)\\\"\n:example.org"
    command = signed_in.page.evaluate(
        "async ([url, user]) => (await import(url)).usersMedia(user, 1)",
        [f"{signed_in.url}js/deletions.js", user],
    )
    *_, address = shlex.split(command)
    assert unquote(address).endswith(f"/users/{user}/media?limit=1")
    signed_in.page.go_back()
    expect(dialog).to_be_hidden()
    assert signed_in.page.url == signed_in.url


def test_of_one_server(signed_in: DashboardPage, server: Server) -> None:
    signed_in.section("Servers").get_by_role(
        "link", name="<i>.example", exact=True
    ).click()
    dialog = signed_in.page.get_by_role("dialog")
    signed_in.wait_until_loaded()
    section = dialog.get_by_role("region", name="What could be deleted")
    answer = server.ask("reclaimable", {"server_name": "<i>.example"})
    assert read_rows(section.locator(".ages")) == _ages(answer)
    # They would do nothing: Synapse looks for them among local files.
    expect(section.get_by_label("Larger than")).to_be_hidden()
    expect(dialog.locator("pre")).to_have_count(0)
    step = dialog.get_by_role("region", name="What can be done")
    expect(step).to_contain_text('prevent_media_downloads_from: ["<i>.example"]')
    step.get_by_role("link", name="of all servers, by age").click()
    expect(dialog).to_be_hidden()
    expect(_section(signed_in).get_by_role("heading", level=2)).to_be_in_viewport()


def test_user_media_is_deleted_as_said(server: Server) -> None:
    """The command deletes all files of the user, also protected ones."""
    client = server.homeserver.client
    victim = server.homeserver.register("victim")
    for size in (1, 2, 3):
        client.upload(victim, b"x" * size, media_type="image/png")
    admin = server.admin.access_token
    kept = server.ask("files", {"user": victim.user_id})["files"]
    _, media_id = kept[0]["mxc"].removeprefix("mxc://").split("/")
    protect = f"/_synapse/admin/v1/media/protect/{media_id}"
    assert client.request("POST", protect, token=admin, content={}).status == 200
    path = f"/_synapse/admin/v1/users/{victim.user_id}/media?limit=3"
    response = client.request("DELETE", path, token=admin)
    assert response.status == 200, response.body
    assert server.ask("files", {"user": victim.user_id})["files"] == []
