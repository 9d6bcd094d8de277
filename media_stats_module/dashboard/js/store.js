// What fills the store: the totals, and the parts that they are made of.

import { wholeAndParts } from "./bar.js";
import { el } from "./dom.js";
import { bytes, count, exactBytes, files } from "./format.js";
import { Panel } from "./panel.js";

/**
 * @param {HTMLElement} section
 * @param {import("./api.js").Api} api
 * @returns {Panel}
 */
export function storePanel(section, api) {
  return new Panel(
    section,
    // Looking for duplicates reads everything, and is not shown here.
    (signal) => api.get("summary", { duplicates: false }, signal),
    (summary) => {
      section.querySelector(".tiles").replaceChildren(...tiles(summary));
      section.querySelector(".picture").replaceChildren(picture(summary));
    },
  );
}

function tiles({ total, local, remote }) {
  return [
    sizeTile("Together", total),
    sizeTile("Local", local.total),
    sizeTile("Remote, cached", remote.total),
    sizeTile("Quarantined", sum(local.quarantined, remote.quarantined)),
    tile("Users with media", count(local.users), pending(local.pending.media_count)),
    tile("Servers with media", count(remote.servers), ""),
  ];
}

function sizeTile(label, { media_count: number, media_length: size }) {
  return tile(label, bytes(size), files(number), exactBytes(size));
}

function tile(label, value, detail, title) {
  return el(
    "div",
    {},
    el("dt", {}, label),
    el("dd", { class: "value", title }, value),
    ...(detail ? [el("dd", { class: "quiet small" }, detail)] : []),
  );
}

function pending(number) {
  return number ? `${files(number)} announced, not uploaded` : "";
}

function picture({ local, remote }) {
  const parts = [
    ["uploads", "Local uploads", local.uploads],
    ["previews", "URL previews", local.url_previews],
    ["ownerless", "Local, without an owner", local.without_owner],
    ["local-thumbnails", "Thumbnails of local files", local.thumbnails],
    ["cached", "Cached from other servers", remote.cached],
    ["remote-thumbnails", "Thumbnails of those", remote.thumbnails],
  ];
  return wholeAndParts(
    "The store by what is in it",
    parts
      .map(([key, label, usage]) => ({ key, label, ...usage }))
      .filter((part) => part.media_count > 0),
  );
}

function sum(one, other) {
  return {
    media_count: one.media_count + other.media_count,
    media_length: one.media_length + other.media_length,
  };
}
