// A table of which the server sends a page at a time: sorted, searched and paged there.

import { announce, el } from "./dom.js";
import { count } from "./format.js";
import { Panel } from "./panel.js";

// How long to wait for the next letter of a search.
const TYPING_MS = 250;

/**
 * @typedef {object} Column
 * @property {string} order the server's name for it
 * @property {string} label
 * @property {boolean} number whether the largest come first at first
 * @property {(row: object, rows: object[]) => Node} cell
 */

export class DataTable {
  #section;
  #columns;
  #panel;
  #name;
  #order;
  #direction;
  #start = 0;
  #limit = 10;
  #total = 0;
  #filters = {};

  /**
   * @param {HTMLElement} section with what the template "owners" has
   * @param {object} options
   * @param {string} options.name of what is in it, such as "Users"
   * @param {Column[]} options.columns
   * @param {string} options.order the column to begin with
   * @param {(query: object, signal: AbortSignal) => Promise<{rows: object[], total: number}>}
   *   options.load
   */
  constructor(section, { name, columns, order, load }) {
    this.#section = section;
    this.#name = name;
    this.#columns = columns;
    this.#order = order;
    this.#direction = columns.find((column) => column.order === order).number ? "b" : "f";
    this.#panel = new Panel(
      section,
      (signal) => load({ ...this.query, from: this.#start, limit: this.#limit }, signal),
      (page) => this.#show(page),
    );
    section.querySelector("caption").textContent = name;
    section
      .querySelector("thead")
      .append(el("tr", {}, ...columns.map((column) => this.#header(column))));
    this.#listen();
    this.#mark();
  }

  /** What the server is asked with, but for the page. */
  get query() {
    return { ...this.#filters, order_by: this.#order, dir: this.#direction };
  }

  /** Asks again, from the first page. */
  reload() {
    this.#start = 0;
    return this.#panel.reload();
  }

  stop() {
    this.#panel.stop();
  }

  /** Leaves out rows; "" for a filter leaves out none. */
  filter(name, value) {
    if ((this.#filters[name] ?? "") !== value) {
      this.#filters[name] = value;
      this.reload();
    }
  }

  #header(column) {
    return el(
      "th",
      { scope: "col", class: column.number && "number", "data-order": column.order },
      el(
        "button",
        { type: "button", class: "sort", onclick: () => this.#sort(column) },
        column.label,
        el("span", { class: "arrow", "aria-hidden": "true" }),
      ),
    );
  }

  #sort(column) {
    if (column.order === this.#order) {
      this.#direction = this.#direction === "f" ? "b" : "f";
    } else {
      this.#order = column.order;
      this.#direction = column.number ? "b" : "f";
    }
    this.#mark();
    this.reload();
  }

  #mark() {
    for (const header of this.#section.querySelectorAll("th[data-order]")) {
      if (header.dataset.order === this.#order) {
        header.ariaSort = this.#direction === "f" ? "ascending" : "descending";
      } else {
        header.removeAttribute("aria-sort");
      }
    }
  }

  #listen() {
    const find = (selector) => this.#section.querySelector(selector);
    const search = find("input[type=search]");
    let typing;
    search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.filter("search_term", search.value.trim()), TYPING_MS);
    });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        clearTimeout(typing);
        this.filter("search_term", search.value.trim());
      }
    });
    find(".size select").addEventListener("change", (event) => {
      this.#limit = Number(event.target.value);
      this.reload();
    });
    const turns = {
      ".first": () => 0,
      ".previous": () => this.#start - this.#limit,
      ".next": () => this.#start + this.#limit,
      ".last": () => this.#startOfLast(),
    };
    for (const [selector, target] of Object.entries(turns)) {
      const button = find(selector);
      button.addEventListener("click", () => {
        // Not `disabled`, which would take the keyboard's place away.
        if (button.getAttribute("aria-disabled") !== "true") {
          this.#start = Math.max(0, target());
          this.#panel.reload();
        }
      });
    }
  }

  #startOfLast() {
    return Math.max(0, Math.ceil(this.#total / this.#limit) - 1) * this.#limit;
  }

  #show({ rows, total }) {
    this.#total = total;
    if (rows.length === 0 && this.#start > 0) {
      // The list has become shorter.
      this.#start = this.#startOfLast();
      this.#panel.reload();
      return;
    }
    const find = (selector) => this.#section.querySelector(selector);
    const body = find("tbody");
    if (rows.length > 0) {
      body.replaceChildren(...rows.map((row) => this.#row(row, rows)));
    } else {
      body.replaceChildren(
        el("tr", {}, el("td", { class: "empty", colspan: this.#columns.length }, "None found.")),
      );
    }
    const where =
      total === 0
        ? "0 of 0"
        : `${count(this.#start + 1)}–${count(this.#start + rows.length)} of ${count(total)}`;
    find(".where").textContent = where;
    find(".found").textContent = `${count(total)} in this time range`;
    this.#enable(find(".first"), this.#start > 0);
    this.#enable(find(".previous"), this.#start > 0);
    this.#enable(find(".next"), this.#start + rows.length < total);
    this.#enable(find(".last"), this.#start + rows.length < total);
    announce(`${this.#name}: ${where}`);
  }

  #row(row, rows) {
    return el(
      "tr",
      {},
      ...this.#columns.map((column, index) =>
        el(
          index === 0 ? "th" : "td",
          { scope: index === 0 && "row", class: column.number && "number" },
          column.cell(row, rows),
        ),
      ),
    );
  }

  #enable(button, enabled) {
    button.setAttribute("aria-disabled", String(!enabled));
  }
}
