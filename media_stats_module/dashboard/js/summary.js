// The totals: what fills the media store, and how much of it is stored twice.

import { wholeAndParts } from "./bar.js";
import { el, find } from "./dom.js";
import { bytes, count, exactBytes, files, sum } from "./format.js";
import { Panel } from "./panel.js";

/** @typedef {import("./format.js").Usage} Usage */

/**
 * @typedef {object} Local
 * @property {Usage} total
 * @property {Usage} uploads
 * @property {Usage} url_previews
 * @property {Usage} without_owner
 * @property {Usage} thumbnails
 * @property {Usage} quarantined
 * @property {Usage} protected
 * @property {{media_count: number}} pending
 * @property {number} users
 */

/**
 * @typedef {object} Remote
 * @property {Usage} total
 * @property {Usage} cached
 * @property {Usage} thumbnails
 * @property {Usage} quarantined
 * @property {number} servers
 */

/**
 * @typedef {object} Summary
 * @property {Usage} total
 * @property {Local} local
 * @property {Remote} remote
 */

/**
 * @param {HTMLElement} section
 * @param {import("./api.js").Api} api
 */
export function summaryPanel(section, api) {
  return new Panel(section, {
    what: "Adding up all files",
    // Duplicates cost more; see below.
    query: () => ({ duplicates: false }),
    load: (query, asking) => api.get("summary", query, asking),
    show: (summary) => {
      find(section, ".tiles").replaceChildren(...tiles(summary));
      find(section, ".picture").replaceChildren(picture(summary));
    },
  });
}

/**
 * Looks for duplicates, once somebody asks for it.
 *
 * @param {HTMLElement} section
 * @param {import("./api.js").Api} api
 */
export function duplicatesPanel(section, api) {
  const [button, content] = [find(section, ".ask"), find(section, ".content")];
  let asked = false;
  const panel = new Panel(section, {
    what: "Comparing the hashes of all files",
    query: () => (asked ? { duplicates: true } : null),
    load: (query, asking) => api.get("summary", query, asking),
    show: ({ duplicates }) => content.replaceChildren(el("p", {}, ...duplicatesText(duplicates))),
  });
  button.addEventListener("click", () => {
    asked = true;
    panel.reload();
  });
  return panel;
}

/**
 * @param {Usage|null} duplicates
 * @returns {(Node|string)[]}
 */
function duplicatesText(duplicates) {
  if (duplicates === null) {
    return ["This version of Synapse does not keep the hashes of files."];
  }
  const { media_count: number, media_length: size } = duplicates;
  if (number === 0) {
    return ["No file is a copy of another file."];
  }
  return [
    el("strong", { title: exactBytes(size) }, bytes(size)),
    ` in ${files(number)} that are copies of another file.`,
  ];
}

/** @param {Summary} summary */
function tiles({ total, local, remote }) {
  const quarantined = sum(local.quarantined, remote.quarantined);
  return [
    sizeTile("Total", total, sum(local.thumbnails, remote.thumbnails)),
    sizeTile("Local", local.total, local.thumbnails),
    sizeTile("Remote, cached", remote.total, remote.thumbnails),
    tile("Quarantined", bytes(quarantined.media_length), {
      details: [files(quarantined.media_count)],
      title: exactBytes(quarantined.media_length),
    }),
    tile("Users with media", count(local.users), { details: pending(local.pending.media_count) }),
    tile("Servers with media", count(remote.servers)),
  ];
}

/**
 * @param {string} label
 * @param {Usage} total
 * @param {Usage} thumbnails that are in it
 */
function sizeTile(label, total, thumbnails) {
  return tile(label, bytes(total.media_length), {
    // Thumbnails are no files to anybody else on this page.
    details: [
      files(total.media_count - thumbnails.media_count),
      `and ${files(thumbnails.media_count, "thumbnail")}`,
    ],
    title: exactBytes(total.media_length),
  });
}

/**
 * @param {string} label
 * @param {string} value
 * @param {{details?: string[], title?: string}} [more]
 */
function tile(label, value, { details = [], title } = {}) {
  return el(
    "div",
    {},
    el("dt", {}, label),
    el("dd", { class: "value", title }, value),
    ...details.map((detail) => el("dd", { class: "quiet small" }, detail)),
  );
}

/** @param {number} number */
function pending(number) {
  return number > 0 ? [`${files(number, "pending upload")}`] : [];
}

/** @param {Summary} summary */
function picture({ local, remote }) {
  /** @type {[string, string, Usage][]} */
  const parts = [
    ["uploads", "Local uploads", local.uploads],
    ["previews", "URL previews", local.url_previews],
    ["ownerless", "Local, without an owner", local.without_owner],
    ["local-thumbnails", "Thumbnails of local files", local.thumbnails],
    ["cached", "Cached from other servers", remote.cached],
    ["remote-thumbnails", "Thumbnails of cached files", remote.thumbnails],
  ];
  return wholeAndParts(
    "The media store by content",
    parts
      .map(([key, label, usage]) => ({ key, label, ...usage }))
      .filter((part) => part.media_count > 0),
  );
}
