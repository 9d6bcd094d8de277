// How fast the media store grows, and when the disk is full at this rate.

import { today } from "./clock.js";
import { el, find } from "./dom.js";
import { figures } from "./figures.js";
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
      const limits = this.#summary()?.limits;
      find(this.#section, ".content").replaceChildren(
        table(this.#added),
        el("p", { class: "quiet small" }, "Added then and still stored. Without thumbnails."),
        ...freeBytes(limits?.file_system ?? null),
        outlook(sum(...this.#added), limits),
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
  return figures(
    "What the last 30 days have added",
    ["Source", "A day", "30 days", "Files"],
    rows.map(({ label, usage: { media_count: number, media_length: size } }) => [
      label,
      Math.round(size / DAYS),
      size,
      count(number),
    ]),
  );
}

/** @param {import("./summary.js").Limits["file_system"]} disk */
function freeBytes(disk) {
  return disk === null
    ? []
    : [
        el(
          "dl",
          { class: "tiles" },
          el(
            "div",
            {},
            el("dt", {}, "Free on the disk"),
            el("dd", { class: "value", title: exactBytes(disk.free_length) }, bytes(disk.free_length)),
            el("dd", { class: "quiet small" }, `of ${bytes(disk.total_length)}`),
          ),
        ),
      ];
}

/**
 * @param {Usage} added
 * @param {import("./summary.js").Limits} [limits]
 */
function outlook({ media_length: size }, limits) {
  const lifetimes = Object.values(limits?.media_retention ?? {});
  if (lifetimes.some((lifetime) => typeof lifetime === "number")) {
    return el(
      "p",
      { class: "outlook" },
      "Synapse deletes old files by itself (media_retention), so this does not say when the disk is " +
        "full. The Grafana dashboard does.",
    );
  }
  const free = limits?.file_system?.free_length;
  const text = free === undefined || size === 0 ? "" : `At this rate full in ${duration((free * DAYS) / size)}.`;
  return el("p", { class: "outlook full" }, text);
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
      : days < 1
        ? "less than a day"
        : `about ${files(Math.floor(days), "day")}`;
}
