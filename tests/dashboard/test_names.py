"""Names of people and files, with any characters."""

import pytest
from browser_server import BACKWARDS, HOSTILE, LONG
from dashboard_page import DashboardPage
from playwright.sync_api import expect
from reading import DASH

pytestmark = pytest.mark.once

_SHOWN = BACKWARDS.replace("\u202e", "U+202E")


def test_names_are_text(signed_in: DashboardPage) -> None:
    page = signed_in.page
    rows = {row[0]: row[1] for row in signed_in.rows("Users")}
    assert rows["@hostile"] == HOSTILE

    dialog = signed_in.open_user("hostile")
    expect(dialog.get_by_role("heading", level=2)).to_have_text(HOSTILE)
    expect(dialog.get_by_text(HOSTILE).nth(1)).to_be_visible()
    assert (
        page.locator("#page b, #page i, #page img:not([src='icon.svg'])").count() == 0
    )
    assert page.title() == f"Media statistics {DASH} example.org"


def test_control_characters_are_shown(signed_in: DashboardPage) -> None:
    rows = {row[0]: row[1] for row in signed_in.rows("Users")}
    assert rows["@backwards"] == _SHOWN

    dialog = signed_in.open_user("backwards")
    expect(dialog.get_by_role("heading", level=2)).to_have_text(_SHOWN)
    name = dialog.locator(".files bdi", has_text="gnp.exe")
    expect(name).to_have_text(_SHOWN)
    # No name changes the order of the text after it.
    assert "\u202e" not in signed_in.page.locator("body").inner_text()


def test_empty_names_are_not_blank(signed_in: DashboardPage) -> None:
    rows = {row[0]: row[1] for row in signed_in.rows("Users")}
    assert rows["@empty"] == "Empty name"
    assert rows["@ordinary"] == "ordinary"

    dialog = signed_in.open_user("backwards")
    section = dialog.get_by_role("region", name="Files", exact=True)
    expect(section).to_contain_text("Empty name")


def test_names_that_look_empty_or_take_all_room(signed_in: DashboardPage) -> None:
    """Characters without ink, and an ID of the greatest length."""
    page = signed_in.page
    names = [" ", "\u3164", "\u2800\u2800", None]
    users = [
        {
            "user_id": f"@{index}{'x' * 240}:example.org",
            "displayname": name,
            "media_count": 1,
            "media_length": 1000,
        }
        for index, name in enumerate(names)
    ]
    page.route(
        "**/v1/users?*",
        lambda route: route.fulfill(json={"users": users, "total": len(users)}),
    )
    page.get_by_role("button", name="Refresh").click()
    section = signed_in.section("Users")
    expect(section.locator(".where")).to_contain_text("of 4")
    shown = [row[1] for row in signed_in.rows("Users")]
    assert shown == ["Empty name", "Empty name", "Empty name", "\N{EN DASH}"]
    id_width, name_width = section.locator("tbody tr").first.evaluate(
        "row => [...row.cells].slice(0, 2).map(cell => cell.offsetWidth)"
    )
    assert id_width < 2 * name_width
    # They are links: a middle click opens them, and they can be copied.
    link = section.locator(".open").first
    link.hover()
    href = link.get_attribute("href") or ""
    assert href.endswith(f"#user=@0{'x' * 240}:example.org")


def test_long_names_are_cut_until_asked_for(signed_in: DashboardPage) -> None:
    dialog = signed_in.open_user("backwards")
    name = dialog.locator(".files bdi", has_text=LONG)
    line = name.evaluate("element => parseFloat(getComputedStyle(element).lineHeight)")

    def lines() -> float:
        box = name.bounding_box()
        assert box is not None
        return float(box["height"] / line)

    assert lines() < 2.5
    button = dialog.get_by_role("button", name="Show whole name")
    button.click()
    assert lines() > 4
    less = dialog.get_by_role("button", name="Show less")
    expect(less).to_have_attribute("aria-expanded", "true")
    less.click()
    assert lines() < 2.5
