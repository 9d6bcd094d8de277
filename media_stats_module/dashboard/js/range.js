// The time range: one, chosen once, for the whole page.

import { chosen } from "./dom.js";

const DAY = 24 * 60 * 60 * 1000;

export class Range {
  #form;
  #onChange;
  /** What every request is asked with. */
  query = {};
  /** How long the buckets of a chart had best be. */
  interval = "week";

  /**
   * @param {HTMLFormElement} form
   * @param {() => void} onChange
   */
  constructor(form, onChange) {
    this.#form = form;
    this.#onChange = onChange;
    form.addEventListener("change", () => this.#read());
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Chooses a range of days, both included. */
  choose(fromTs, untilTs) {
    const { range, from, until } = this.#form.elements;
    range.value = "custom";
    from.value = new Date(fromTs).toISOString().slice(0, 10);
    until.value = new Date(untilTs).toISOString().slice(0, 10);
    this.#read();
  }

  #read() {
    const range = chosen(this.#form, "range");
    const { from, until } = this.#form.elements;
    this.#form.querySelector(".dates").hidden = range !== "custom";
    const query = {};
    if (range === "custom") {
      // A browser gives a date as the start of that day, in UTC.
      if (from.value) {
        query.from_ts = from.valueAsNumber;
      }
      if (until.value) {
        query.until_ts = until.valueAsNumber + DAY - 1;
      }
    } else if (range !== "all") {
      const today = Math.floor(Date.now() / DAY) * DAY;
      query.from_ts = today - (Number(range) - 1) * DAY;
    }
    if (!this.#isLegal(query)) {
      return;
    }
    const same = JSON.stringify(query) === JSON.stringify(this.query);
    this.query = query;
    this.interval = intervalFor(query);
    if (!same) {
      this.#onChange();
    }
  }

  #isLegal({ from_ts: from, until_ts: until }) {
    let problem = "";
    if (from < 0 || until < 0) {
      problem = "The dates must be after 1970.";
    } else if (from >= until) {
      problem = "The range ends before it begins.";
    }
    this.#form.querySelector(".problem").textContent = problem;
    return !problem;
  }
}

function intervalFor({ from_ts: from, until_ts: until = Date.now() }) {
  if (from === undefined) {
    return "week";
  }
  const days = (until - from) / DAY;
  return days <= 100 ? "day" : days <= 1000 ? "week" : "month";
}
