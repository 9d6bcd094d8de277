// The files stored now, by the time they were created: a chart, and its numbers.

import { Chart } from "./chart.js";
import { check, el, find } from "./dom.js";
import { downloadsOfSources } from "./download.js";
import { bytes, count, exactBytes, files, shortBytes, sum } from "./format.js";
import { Panel } from "./panel.js";
import { endOf, load, merge, nameOf, usual } from "./timeline_parts.js";

/** @typedef {import("./format.js").Usage} Usage */
/** @typedef {import("./sources.js").Source} Source */
/** @typedef {import("./timeline_parts.js").Interval} Interval */
/** @typedef {import("./timeline_parts.js").Question} Question */
/** @typedef {import("./timeline_parts.js").Answer} Answer */
/** @typedef {import("./timeline_parts.js").Row} Row */

const INTERVALS = /** @type {const} */ (["", "day", "week", "month"]);
const MODES = /** @type {const} */ (["added", "total"]);
const MEASURES = /** @type {const} */ (["media_length", "media_count"]);

/** The names of a part of the chart, for its axis. */
const UNITS = {
  day: "Days (UTC)",
  week: "Weeks (UTC)",
  month: "Months (UTC)",
};

/** @extends {Panel<Question, Answer>} */
export class TimelinePanel extends Panel {
  #section;
  #sources;
  #address;
  #question;
  #options;
  /** @type {Chart|null} */
  #chart = null;
  #legend = el("ul", { class: "legend" });
  #readout = el("p", { class: "readout", "aria-hidden": "true" });
  /** @type {Row[]} */
  #rows = [];
  #drawn = "";
  /** The last answer.
   * @type {{question: Question, answer: Answer}|null} */
  #known = null;

  /**
   * @param {HTMLElement} section with `.tools` and buttons for CSV, if it has them
   * @param {import("./api.js").Api} api
   * @param {import("./address.js").Address} address
   * @param {Source[]} sources
   * @param {() => import("./api.js").Query} scope the other parameters
   * @param {object} [options]
   * @param {(from: number, until: number) => void} [options.onSelect]
   * @param {(from: number, until: number, source: "local"|"remote") => void} [options.onOpen]
   * @param {() => void} [options.onAnswer]
   */
  constructor(section, api, address, sources, scope, options = {}) {
    /** @returns {Question} */
    const question = () => {
      const asked = scope();
      const interval = address.choice("interval", INTERVALS);
      const total = address.choice("mode", MODES) === "total";
      return { scope: asked, interval, before: total && Number(asked.from_ts ?? 0) > 0 };
    };
    super(section, {
      what: "Adding up files by day",
      query: question,
      load: (question, asking) => load(api, sources, question, asking),
      show: (answer, asked) => this.#take(answer, asked),
      explain: (error) =>
        error.errcode === "M_INVALID_PARAM" && error.message.includes("parts")
          ? "The chart would have too many parts. Choose a longer interval or a shorter time range."
          : error.message,
    });
    this.#section = section;
    this.#sources = sources;
    this.#address = address;
    this.#question = question;
    this.#options = options;
    find(section, ".numbers").addEventListener("toggle", () => this.#showNumbers());
    section.querySelector(".tools")?.addEventListener("change", (event) => {
      const { name, value } = /** @type {HTMLInputElement} */ (event.target);
      const usual = { mode: MODES[0], measure: MEASURES[0] }[name];
      address.set({ [name]: value === usual ? "" : value });
    });
    downloadsOfSources(section, "timeline", (source) =>
      api.getCsv("timeline", { ...scope(), source, interval: this.#interval }),
    );
  }

  /** The first day with a file; null if there is none, or it is not known. */
  get firstDay() {
    return this.#rows.length > 0 ? this.#rows[0].from_ts : null;
  }

  /**
   * How much there is in the time range. Null if that is not known.
   *
   * @param {"local"|"remote"} source
   * @returns {Usage|null}
   */
  whole(source) {
    const known = this.#known;
    const index = this.#sources.findIndex((each) => each.source === source);
    if (known === null || JSON.stringify(known.question.scope) !== JSON.stringify(this.#question().scope)) {
      return null;
    }
    const { before, buckets, after } = known.answer.timelines[index];
    return sum(before, ...buckets, after);
  }

  /** Updates the view from the address. */
  update() {
    check(this.#section, "mode", this.#mode);
    check(this.#section, "measure", this.#measure);
    check(this.#section, "interval", this.#interval);
    super.update();
    if (this.#isKnown && this.#drawn !== this.#view) {
      this.#show();
    }
  }

  remove() {
    this.stop();
    this.#chart?.remove();
  }

  /** Whether the answer is to the question of now. */
  get #isKnown() {
    return JSON.stringify(this.#known?.question) === JSON.stringify(this.#question());
  }

  /** @returns {Interval} The one that is chosen, else the one that the page has chosen. */
  get #interval() {
    const { interval, scope } = this.#question();
    return interval || (this.#isKnown ? this.#answer.interval : usual(scope));
  }

  get #answer() {
    return /** @type {{answer: Answer}} */ (this.#known).answer;
  }

  get #mode() {
    return this.#address.choice("mode", MODES);
  }

  get #measure() {
    return this.#address.choice("measure", MEASURES);
  }

  get #view() {
    return `${this.#mode} ${this.#measure}`;
  }

  /**
   * @param {Answer} answer
   * @param {Question} question
   */
  #take(answer, question) {
    const { timelines, before } = answer;
    this.#known = { question, answer };
    check(this.#section, "interval", this.#interval);
    const starts = timelines.map((each, index) => sum(each.before, before[index]));
    const buckets = timelines.map((each) => each.buckets);
    this.#rows = merge(this.#sources, buckets, starts);
    this.#show();
    this.#tellOutside(
      sum(...timelines.map((each) => each.before)),
      sum(...timelines.map((each) => each.after)),
    );
    this.#options.onAnswer?.();
  }

  /**
   * Files whose dates cannot be right have no place in the chart.
   *
   * @param {Usage} before
   * @param {Usage} after
   */
  #tellOutside(before, after) {
    const parts = [
      { usage: before, when: "long before the others" },
      { usage: after, when: "in the future" },
    ]
      .filter(({ usage }) => usage.media_count > 0)
      .map(
        ({ usage, when }) =>
          `${files(usage.media_count)} (${bytes(usage.media_length)}) dated ${when}`,
      );
    const text = parts.length > 0 ? `Not in the chart: ${parts.join(", and ")}.` : "";
    find(this.#section, ".outside").textContent = text;
  }

  #show() {
    const { interval } = this.#answer;
    this.#drawn = this.#view;
    const plot = find(this.#section, ".plot");
    const any = this.#rows.some(({ total }) =>
      Object.values(total).some(({ media_count: number }) => number > 0),
    );
    find(this.#section, ".numbers").hidden = !any;
    this.#showNumbers();
    if (!any) {
      this.#chart?.remove();
      this.#chart = null;
      plot.replaceChildren(el("p", { class: "empty" }, "No files in this time range."));
      return;
    }
    this.#legend.replaceChildren(...this.#sources.map((source) => this.#legendItem(source)));
    if (this.#chart === null) {
      const canvas = el("div", { class: "canvas", "aria-label": "Files by date, one bar after the other. Enter lists its files" });
      plot.replaceChildren(el("div", { class: "key" }, this.#legend, this.#readout), canvas);
      const { onSelect, onOpen } = this.#options;
      this.#chart = new Chart(canvas, this.#readout, {
        onSelect: onSelect && ((first, last) => onSelect(this.#rows[first].from_ts, this.#rows[last].until_ts)),
        onOpen: onOpen && ((index, key) => this.#open(this.#rows[index], key)),
      });
    }
    const inBytes = this.#measure === "media_length";
    const starts = this.#rows.map((row) => Date.parse(row.date));
    this.#chart.show({
      starts,
      end: endOf(starts[starts.length - 1], interval),
      names: this.#rows.map((row) => row.date.slice(0, interval === "month" ? 7 : 10)),
      unit: UNITS[interval],
      series: this.#sources.map(({ source }) => ({
        key: source,
        values: this.#rows.map((row) => this.#value(row, source)),
      })),
      running: this.#mode === "total",
      binary: inBytes,
      format: inBytes ? shortBytes : count,
      describe: (index) => this.#describe(this.#rows[index]),
    });
  }

  /**
   * @param {Row} row
   * @param {string} [key] the source that was clicked; else the one that has more
   */
  #open({ from_ts: from, until_ts: until, added }, key) {
    const sources = this.#sources.map(({ source }) => source);
    const [largest] = [...sources].sort((a, b) => added[b].media_length - added[a].media_length);
    this.#options.onOpen?.(from, until, sources.find((source) => source === key) ?? largest);
  }

  /** @param {Source} source */
  #legendItem({ source, label }) {
    const last = this.#rows[this.#rows.length - 1];
    const { media_count: number, media_length: size } =
      this.#mode === "total"
        ? last.total[source]
        : sum(...this.#rows.map((row) => row.added[source]));
    return el(
      "li",
      {},
      el("span", { class: "swatch", "data-part": source, "aria-hidden": "true" }),
      `${label} `,
      el("strong", { title: exactBytes(size) }, bytes(size)),
      ` in ${files(number)}`,
    );
  }

  /**
   * @param {Row} row
   * @param {string} source
   */
  #value(row, source) {
    return row[this.#mode][source][this.#measure];
  }

  /** @param {Row} row */
  #describe(row) {
    const values = this.#sources.map(
      ({ source, label }) => `${label} ${this.#format(this.#value(row, source))}`,
    );
    return `${nameOf(row)}: ${values.join(", ")}`;
  }

  /** @param {number} value */
  #format(value) {
    return this.#measure === "media_length" ? bytes(value) : files(value);
  }

  /** The same numbers as a table, drawn when it is opened. */
  #showNumbers() {
    const details = /** @type {HTMLDetailsElement} */ (find(this.#section, ".numbers"));
    const place = find(details, ".scroll");
    if (!details.open || details.hidden) {
      place.replaceChildren();
      return;
    }
    const inBytes = this.#measure === "media_length";
    const cell = (/** @type {number} */ value) =>
      el("td", { class: "number", title: inBytes && exactBytes(value) }, this.#format(value));
    const row = (/** @type {Row} */ each) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, nameOf(each)),
        ...this.#sources.map(({ source }) => cell(this.#value(each, source))),
      );
    const heads = this.#sources.map(({ label }) =>
      el("th", { scope: "col", class: "number" }, label),
    );
    place.replaceChildren(
      el(
        "table",
        {},
        el("caption", { class: "unseen" }, "The chart’s numbers"),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "When (UTC)"), ...heads)),
        el("tbody", {}, ...this.#rows.map(row)),
      ),
    );
  }
}
