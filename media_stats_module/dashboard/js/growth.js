// Growth over time: of local and remote media, or of one user or server.

import { Chart } from "./chart.js";
import { el } from "./dom.js";
import { bytes, count, day, exactBytes, files, shortBytes } from "./format.js";
import { Panel } from "./panel.js";

const DAY = 24 * 60 * 60 * 1000;

/**
 * @typedef {object} View what of the answer is drawn, and how
 * @property {"media_length"|"media_count"} measure
 * @property {boolean} running whether as running totals
 */

export class Growth extends Panel {
  #section;
  #sources;
  #scope;
  #view = { measure: "media_length", running: false };
  #chart;
  #legend = el("ul", { class: "legend" });
  #readout = el("p", { class: "readout", "aria-hidden": "true" });
  #rows = [];
  #onSelect;

  /**
   * @param {HTMLElement} section
   * @param {import("./api.js").Api} api
   * @param {{source: string, label: string}[]} sources
   * @param {() => object} scope what else to ask with; `interval` must be in it
   * @param {(fromTs: number, untilTs: number) => void} [onSelect]
   */
  constructor(section, api, sources, scope, onSelect) {
    const load = (signal) =>
      Promise.all(
        sources.map(({ source }) => api.get("timeline", { ...scope(), source }, signal)),
      );
    super(section, load, (answers) => {
      this.#rows = merge(answers, sources);
      this.#show();
    });
    this.#section = section;
    this.#sources = sources;
    this.#scope = scope;
    this.#onSelect = onSelect;
    section.querySelector(".numbers").addEventListener("toggle", () => this.#showNumbers());
  }

  /** @param {View} view */
  setView(view) {
    this.#view = view;
    if (this.#rows.length > 0) {
      this.#show();
    }
  }

  stop() {
    super.stop();
    this.#chart?.remove();
  }

  #show() {
    const plot = this.#section.querySelector(".plot");
    this.#section.querySelector(".numbers").hidden = this.#rows.length === 0;
    this.#showNumbers();
    if (this.#rows.length === 0) {
      this.#chart?.remove();
      this.#chart = undefined;
      plot.replaceChildren(el("p", { class: "empty" }, "No files in this time range."));
      return;
    }
    this.#legend.replaceChildren(...this.#sources.map((source) => this.#legendItem(source)));
    if (!this.#chart) {
      const canvas = el("div", {
        class: "canvas",
        "aria-label": "Growth, part by part of the time range",
      });
      plot.replaceChildren(el("div", { class: "key" }, this.#legend, this.#readout), canvas);
      const select = this.#onSelect && ((first, last) => this.#select(first, last));
      this.#chart = new Chart(canvas, this.#readout, select);
    }
    const { measure, running } = this.#view;
    const { interval } = this.#scope();
    const starts = this.#rows.map((row) => Date.parse(row.date));
    this.#chart.show({
      starts,
      end: endOf(starts.at(-1), interval),
      series: this.#sources.map(({ source }) => ({
        key: source,
        values: this.#rows.map((_, index) => this.#value(index, source)),
      })),
      running,
      binary: measure === "media_length",
      format: measure === "media_length" ? shortBytes : count,
      describe: (index) => this.#describe(index),
    });
  }

  #legendItem({ source, label }) {
    const sum = (measure) => this.#rows.reduce((all, row) => all + row.added[source][measure], 0);
    const size = sum("media_length");
    return el(
      "li",
      {},
      el("span", { class: "swatch", "data-part": source, "aria-hidden": "true" }),
      `${label} `,
      el("strong", { title: exactBytes(size) }, bytes(size)),
      ` in ${files(sum("media_count"))}`,
    );
  }

  #value(index, source) {
    const { measure, running } = this.#view;
    return this.#rows[index][running ? "running" : "added"][source][measure];
  }

  #describe(index) {
    const values = this.#sources.map(
      ({ source, label }) => `${label} ${this.#format(this.#value(index, source))}`,
    );
    return `${this.#nameOf(index)}: ${values.join(", ")}`;
  }

  #nameOf(index) {
    const { date, from_ts: from, until_ts: until } = this.#rows[index];
    const last = day(until);
    const first = day(Math.max(from, Date.parse(date)));
    return first === last ? first : `${first} to ${last}`;
  }

  #format(value) {
    return this.#view.measure === "media_length" ? bytes(value) : files(value);
  }

  #select(first, last) {
    this.#onSelect(this.#rows[first].from_ts, this.#rows[last].until_ts);
  }

  /** The same numbers as a table, once somebody wants to see it. */
  #showNumbers() {
    const details = this.#section.querySelector(".numbers");
    const place = details.querySelector(".scroll");
    if (!details.open || this.#rows.length === 0) {
      place.replaceChildren();
      return;
    }
    const inBytes = this.#view.measure === "media_length";
    const cell = (value) =>
      el("td", { class: "number", title: inBytes && exactBytes(value) }, this.#format(value));
    const row = (_, index) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, this.#nameOf(index)),
        ...this.#sources.map(({ source }) => cell(this.#value(index, source))),
      );
    place.replaceChildren(
      el(
        "table",
        {},
        el("caption", { class: "unseen" }, "The chart’s numbers"),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("th", { scope: "col" }, "When (UTC)"),
            ...this.#sources.map(({ label }) =>
              el("th", { scope: "col", class: "number" }, label),
            ),
          ),
        ),
        el("tbody", {}, ...this.#rows.map(row)),
      ),
    );
  }
}

/** One row per bucket: what each source has in it, and up to it. */
function merge(answers, sources) {
  const rows = new Map();
  const nothing = { media_length: 0, media_count: 0 };
  answers.forEach(({ buckets }, index) => {
    for (const bucket of buckets) {
      const row = rows.get(bucket.date) ?? {
        date: bucket.date,
        from_ts: bucket.from_ts,
        until_ts: bucket.until_ts,
        added: Object.fromEntries(sources.map(({ source }) => [source, nothing])),
      };
      row.added[sources[index].source] = bucket;
      rows.set(bucket.date, row);
    }
  });
  const inOrder = [...rows.values()].sort((a, b) => Date.parse(a.date) - Date.parse(b.date));
  const running = Object.fromEntries(sources.map(({ source }) => [source, nothing]));
  for (const row of inOrder) {
    for (const { source } of sources) {
      running[source] = {
        media_length: running[source].media_length + row.added[source].media_length,
        media_count: running[source].media_count + row.added[source].media_count,
      };
    }
    row.running = { ...running };
  }
  return inOrder;
}

function endOf(start, interval) {
  if (interval !== "month") {
    return start + (interval === "week" ? 7 : 1) * DAY;
  }
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
