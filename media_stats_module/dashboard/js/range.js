// The time range: one, chosen once, for the whole page.

import { now, today } from "./clock.js";
import { check, find } from "./dom.js";
import { DAY, days } from "./format.js";

// How long to wait for the next digit of a date.
const TYPING_MS = 600;

/** How long presets are, in days. */
const PRESETS = { 7: "the last 7 days", 30: "the last 30 days", 90: "the last 90 days", 365: "the last year" };
const RANGES = /** @type {const} */ (["all", "7", "30", "90", "365", "custom"]);

/**
 * @typedef {object} Window the parameters that every request has
 * @property {number} [from_ts]
 * @property {number} [until_ts]
 */

export class Range {
  #form;
  #address;
  #firstDay;
  #from;
  #until;
  #problem;
  #timer = 0;
  /** Whether the person is typing a date. */
  #isTyping = false;

  /**
   * @param {HTMLFormElement} form
   * @param {import("./address.js").Address} address
   * @param {() => number|null} firstDay the first day with a file, if it is known
   */
  constructor(form, address, firstDay) {
    this.#form = form;
    this.#address = address;
    this.#firstDay = firstDay;
    this.#from = /** @type {HTMLInputElement} */ (find(form, "[name=from]"));
    this.#until = /** @type {HTMLInputElement} */ (find(form, "[name=until]"));
    this.#problem = find(form, ".problem");
    form.addEventListener("change", (event) => this.#onChange(event));
    for (const input of [this.#from, this.#until]) {
      input.addEventListener("blur", () => this.#onTyped());
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") {
          this.#onTyped();
        }
      });
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    this.update();
  }

  /** @returns {Window} */
  get query() {
    const range = this.#address.choice("range", RANGES);
    if (range === "custom") {
      return this.#custom();
    }
    return range === "all" ? {} : { from_ts: today() - (Number(range) - 1) * DAY };
  }

  /** In words. */
  get label() {
    const range = this.#address.choice("range", RANGES);
    const { from_ts: from, until_ts: until } = this.query;
    if (from === undefined && until === undefined) {
      return "All time";
    }
    if (from === undefined) {
      return `Until ${days(until ?? 0, until ?? 0)}`;
    }
    const text = days(from, until ?? now());
    return range === "custom" ? text : `${text}, ${PRESETS[/** @type {7} */ (Number(range))]}`;
  }

  /** Updates the view from the address. */
  update() {
    const range = this.#address.choice("range", RANGES);
    check(this.#form, "range", range);
    find(this.#form, ".dates").hidden = range !== "custom";
    if (range === "custom" && !this.#isTyping) {
      this.#problem.textContent = "";
      const { from_ts: from, until_ts: until } = this.#custom();
      this.#from.value = from === undefined ? "" : days(from, from);
      this.#until.value = until === undefined ? "" : days(until, until);
    }
  }

  /**
   * Chooses a range of days, both included.
   *
   * @param {number} from
   * @param {number} until
   */
  choose(from, until) {
    this.#address.set(daysFrom(from, until));
  }

  /** @returns {Window} */
  #custom() {
    const from = startOf(this.#address.get("from"));
    const until = startOf(this.#address.get("until"));
    const query = {
      ...(from !== null && { from_ts: from }),
      ...(until !== null && { until_ts: until + DAY - 1 }),
    };
    // A link can say anything.
    return problemOf(query) ? {} : query;
  }

  /** @param {Event} event */
  #onChange(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.name !== "range") {
      // A browser says so for every digit.
      this.#isTyping = true;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#onTyped(), TYPING_MS);
    } else if (input.value === "custom") {
      // The dates of the view before stay, so that one can change one of them.
      const { from_ts: from, until_ts: until } = this.query;
      this.choose(from ?? this.#firstDay() ?? today() - 29 * DAY, until ?? today());
    } else {
      const range = input.value === "all" ? "" : input.value;
      this.#address.set({ range, from: "", until: "" });
    }
  }

  #onTyped() {
    clearTimeout(this.#timer);
    // A date that is not whole yet.
    if (!this.#isTyping || this.#from.validity.badInput || this.#until.validity.badInput) {
      return;
    }
    this.#isTyping = false;
    // A browser gives a date as the start of that day, in UTC; NaN is none.
    const [from, until] = [this.#from.valueAsNumber, this.#until.valueAsNumber];
    const problem = problemOf({ from_ts: from, until_ts: until + DAY - 1 });
    this.#problem.textContent = problem;
    if (!problem) {
      this.#address.set({
        range: "custom",
        from: this.#from.value,
        until: this.#until.value,
      });
    }
  }
}

/**
 * The changes of the address that choose these days, both included.
 *
 * @param {number} from
 * @param {number} until
 */
export function daysFrom(from, until) {
  return { range: "custom", from: days(from, from), until: days(until, until) };
}

/** @param {Window} window */
function problemOf({ from_ts: from = NaN, until_ts: until = NaN }) {
  if (from < 0 || until < 0) {
    return "The dates must be after 1970.";
  }
  return from >= until ? "The range ends before it begins." : "";
}

/**
 * @param {string} date
 * @returns {number|null}
 */
function startOf(date) {
  const start = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) : NaN;
  return Number.isNaN(start) ? null : start;
}
