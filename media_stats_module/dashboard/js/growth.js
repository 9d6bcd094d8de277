// How fast the media store grows, and when the disk is full at this rate.

import { today } from "./clock.js";
import { el, find } from "./dom.js";
import { DAY, bytes, count, exactBytes, files, sum } from "./format.js";
import { Panel } from "./panel.js";
import { SOURCES } from "./sources.js";

/** @typedef {import("./format.js").Usage} Usage */

const DAYS = 30;
const DAYS_OF_MONTH = 365.25 / 12;

/** @extends {Panel<import("./api.js").Query, Usage[]>} */
export class GrowthPanel extends Panel {
  #section;
  #summary;
  /** By source.
   * @type {Usage[]|null} */
  #added = null;

  /**
   * @param {HTMLElement} section
   * @param {import("./api.js").Api} api
   * @param {() => import("./summary.js").Summary|null} summary null while it is not known
   */
  constructor(section, api, summary) {
    super(section, {
      what: "Adding up the files of the last 30 days",
      query: () => ({ from_ts: today() - (DAYS - 1) * DAY, interval: "month" }),
      load: (query, asking) =>
        Promise.all(
          SOURCES.map(async ({ source }) => {
            const { buckets } = await api.get("timeline", { ...query, source }, asking);
            return sum(...buckets);
          }),
        ),
      show: (added) => {
        this.#added = added;
        this.redraw();
      },
    });
    this.#section = section;
    this.#summary = summary;
  }

  /** Draws again, after a change of the summary. */
  redraw() {
    if (this.#added !== null) {
      find(this.#section, ".content").replaceChildren(
        table(this.#added),
        el("p", { class: "quiet small" }, "Added then and still stored. Without thumbnails."),
        el("p", { class: "outlook" }, outlook(sum(...this.#added), this.#summary())),
      );
    }
  }
}

/** @param {Usage[]} added */
function table(added) {
  const rows = [
    ...SOURCES.map(({ label }, index) => ({ label, usage: added[index] })),
    { label: "Both", usage: sum(...added) },
  ];
  const size = (/** @type {number} */ value) =>
    el("td", { class: "number", title: exactBytes(value) }, bytes(value));
  return el(
    "table",
    { class: "parts" },
    el("caption", { class: "unseen" }, "What the last 30 days have added"),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, "Source"),
        ...["A day", "30 days", "Files"].map((head) => el("th", { scope: "col", class: "number" }, head)),
      ),
    ),
    el(
      "tbody",
      {},
      ...rows.map(({ label, usage }) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, label),
          size(Math.round(usage.media_length / DAYS)),
          size(usage.media_length),
          el("td", { class: "number" }, count(usage.media_count)),
        ),
      ),
    ),
  );
}

/**
 * @param {Usage} added
 * @param {import("./summary.js").Summary|null} summary
 */
function outlook({ media_length: size }, summary) {
  const lifetimes = Object.values(summary?.limits.media_retention ?? {});
  if (lifetimes.some((lifetime) => typeof lifetime === "number")) {
    return (
      "Synapse deletes old files by itself (media_retention), so this does not say when the disk is " +
      "full. The Grafana dashboard does."
    );
  }
  const free = summary?.limits.file_system?.free_length;
  if (free === undefined || size === 0) {
    return "";
  }
  return `At this rate, the ${bytes(free)} that are free are full in ${duration((free * DAYS) / size)}.`;
}

/** @param {number} days */
function duration(days) {
  const months = days / DAYS_OF_MONTH;
  const years = months / 12;
  if (years > 50) {
    return "more than 50 years";
  }
  return years >= 3
    ? `about ${files(Math.round(years), "year")}`
    : months >= 3
      ? `about ${files(Math.round(months), "month")}`
      : `about ${files(Math.floor(days), "day")}`;
}
