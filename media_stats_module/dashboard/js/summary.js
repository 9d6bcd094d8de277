// The totals of the media store, with its file system and limits.

import { wholeAndParts } from "./bar.js";
import { el, find } from "./dom.js";
import { bytes, exactBytes, files, sum } from "./format.js";
import { filesWith } from "./files_filters.js";
import { viewLink } from "./link.js";
import { Panel } from "./panel.js";

/** @typedef {import("./format.js").Usage} Usage */

// A server reads this number of files within a second.
const SMALL_STORE = 100_000;

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
 * @property {Limits} limits
 *
 * @typedef {object} Limits
 * @property {{total_length: number, free_length: number}|null} file_system of the media
 *   store, where the server knows it
 * @property {{local_media_lifetime: number|null, remote_media_lifetime: number|null}}
 *   media_retention the ages at which Synapse deletes media by itself
 * @property {boolean} url_preview_enabled whether Synapse expires URL previews
 */

/** @extends {Panel<import("./api.js").Query, Summary>} */
export class SummaryPanel extends Panel {
  /** The last answer.
   * @type {Summary|null} */
  #known = null;

  /**
   * @param {HTMLElement} section
   * @param {import("./api.js").Api} api
   * @param {import("./address.js").Address} address
   * @param {() => void} onKnown called when the numbers are there
   */
  constructor(section, api, address, onKnown) {
    super(section, {
      what: "Adding up all files",
      query: () => ({ limits: true }),
      load: (query, asking) => api.get("summary", query, asking),
      show: (summary) => {
        find(section, ".tiles").replaceChildren(...tiles(summary));
        find(section, ".picture").replaceChildren(picture(summary, address), ...keptPreviews(summary));
        this.#known = summary;
        onKnown();
      },
    });
  }

  get known() {
    return this.#known;
  }

  /** Whether it is known that there are few files, so that reading all takes no time. */
  get isSmall() {
    return this.#known !== null && this.#known.total.media_count <= SMALL_STORE;
  }

  /** Whether it is known that there are no files. */
  get isEmpty() {
    return this.#known?.total.media_count === 0;
  }
}

/** @param {Summary} summary */
function tiles({ total, local, remote }) {
  const quarantined = sum(local.quarantined, remote.quarantined);
  return [
    sizeTile("Total", total, sum(local.thumbnails, remote.thumbnails)),
    sizeTile("Local", local.total, local.thumbnails, pending(local.pending.media_count)),
    sizeTile("Remote", remote.total, remote.thumbnails),
    tile("Quarantined", quarantined.media_length, [files(quarantined.media_count)]),
  ];
}

/**
 * @param {string} label
 * @param {Usage} total
 * @param {Usage} thumbnails that are in it
 * @param {string[]} [details]
 */
function sizeTile(label, total, thumbnails, details = []) {
  // Thumbnails are no files to anybody else on this page.
  const number = total.media_count - thumbnails.media_count;
  return tile(label, total.media_length, [
    `${files(number)}, ${files(thumbnails.media_count, "thumbnail")}`,
    ...details,
  ]);
}

/**
 * @param {string} label
 * @param {number} size
 * @param {string[]} details
 */
function tile(label, size, details) {
  return el(
    "div",
    {},
    el("dt", {}, label),
    el("dd", { class: "value", title: exactBytes(size) }, bytes(size)),
    ...details.map((detail) => el("dd", { class: "quiet small" }, detail)),
  );
}

/** @param {number} number */
function pending(number) {
  return number > 0 ? [`${files(number, "pending upload")}`] : [];
}

/**
 * @param {Summary} summary
 * @param {import("./address.js").Address} address
 */
function picture({ local, remote }, address) {
  /** The last is the filter for the files. Thumbnails are in no list of files.
   * @type {[string, string, Usage, import("./address.js").Changes|null][]} */
  const parts = [
    ["uploads", "Local, uploads", local.uploads, { url_preview: "false", without_owner: "false" }],
    ["previews", "Local, URL previews", local.url_previews, { url_preview: "true", without_owner: "false" }],
    ["ownerless", "Local, without an owner", local.without_owner, { without_owner: "true" }],
    ["local-thumbnails", "Local, thumbnails", local.thumbnails, null],
    ["cached", "Remote, files", remote.cached, { source: "remote" }],
    ["remote-thumbnails", "Remote, thumbnails", remote.thumbnails, null],
  ];
  const shown = parts
    .map(([key, label, usage, filters]) => ({
      key,
      label,
      shown: filters === null ? label : filesOfAllTime(address, filters, label),
      ...usage,
    }))
    .filter((part) => part.media_count > 0);
  return shown.length > 0
    ? wholeAndParts("The media store by content", "Content", shown)
    : el("p", { class: "empty" }, "No media yet.");
}

/**
 * @param {import("./address.js").Address} address
 * @param {import("./address.js").Changes} filters
 * @param {string} label
 */
function filesOfAllTime(address, filters, label) {
  return viewLink(
    address,
    () => ({ range: "", from: "", until: "", ...filesWith(filters) }),
    { class: "files-link" },
    {},
    label,
  );
}

/**
 * @param {Summary} summary
 * @returns {Node[]} a sentence about URL previews that stay, if there are some
 */
function keptPreviews({ local: { url_previews: previews }, limits }) {
  return limits.url_preview_enabled || previews.media_count === 0
    ? []
    : [
        el(
          "p",
          { class: "quiet small" },
          "URL previews are off (url_preview_enabled), so Synapse no longer removes old ones by itself.",
        ),
      ];
}
