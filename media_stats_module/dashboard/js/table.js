// A table whose server sends a page at a time: sorted, searched and paged there.

import { announce, el, enable, find, isEnabled } from "./dom.js";
import { count } from "./format.js";
import { Panel } from "./panel.js";
import { Search } from "./search.js";

const LIMITS = /** @type {const} */ (["10", "25", "100", "500"]);
const DIRECTIONS = /** @type {const} */ (["", "f", "b"]);

/** @typedef {import("./api.js").Query} Query */
/** @typedef {import("./panel.js").Part} Part */

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} order the server's name for it
 * @property {string} label
 * @property {boolean} number whether the largest come first at first
 * @property {(row: Row) => Node} cell
 */

/**
 * @template Row
 * @typedef {object} TableOptions
 * @property {string} name the name of its rows, such as "Users"
 * @property {string} prefix of the names in the address, such as "users."
 * @property {Column<Row>[]} columns
 * @property {string} order the column to begin with
 * @property {string[]} filters besides the search
 * @property {string} what the server's work meanwhile
 * @property {() => Query} scope the other parameters
 * @property {(query: Query, asking: import("./api.js").Asking) => Promise<Page<Row>>} load
 */

/**
 * @template Row
 * @typedef {object} Page
 * @property {Row[]} rows
 * @property {number} total
 */

/**
 * @template Row
 * @implements {Part}
 */
export class DataTable {
  #section;
  #address;
  #options;
  #search;
  /** @type {Panel<Query, Page<Row>>} */
  #panel;
  /** The page that is shown, and its list.
   * @type {{list: string, page: Page<Row>}|null} */
  #shown = null;

  /**
   * @param {HTMLElement} section with the elements of the template "owners"
   * @param {import("./address.js").Address} address
   * @param {TableOptions<Row>} options
   */
  constructor(section, address, options) {
    this.#section = section;
    this.#address = address;
    this.#options = options;
    this.#search = new Search(
      /** @type {HTMLInputElement} */ (find(section, "input[type=search]")),
      () => this.#get("search_term"),
      (term, replace) => this.#set({ search_term: term }, { replace }),
    );
    /** @type {() => Query} */
    const query = () => ({ ...this.query, from: this.#start, limit: this.#limit });
    this.#panel = new Panel(section, {
      what: options.what,
      query,
      load: options.load,
      show: (page) => this.#show(page),
    });
    find(section, "caption").textContent = options.name;
    find(section, "thead").append(
      el("tr", {}, ...options.columns.map((column) => this.#header(column))),
    );
    this.#listen();
    this.#enablePages();
  }

  /** The parameters of the list, without the page. */
  get query() {
    return { ...this.#list, order_by: this.#order.order, dir: this.#direction };
  }

  /** Updates the view from the address. */
  update() {
    this.#search.update();
    for (const name of this.#options.filters) {
      const select = /** @type {HTMLSelectElement} */ (find(this.#section, `[name=${name}]`));
      select.value = this.#get(name);
    }
    const size = /** @type {HTMLSelectElement} */ (find(this.#section, ".size select"));
    size.value = String(this.#limit);
    for (const header of this.#section.querySelectorAll("th[data-order]")) {
      if (header.getAttribute("data-order") === this.#order.order) {
        header.ariaSort = this.#direction === "f" ? "ascending" : "descending";
      } else {
        header.removeAttribute("aria-sort");
      }
    }
    this.#enablePages();
    this.#panel.update();
  }

  /** Draws the last column again, after a change of the whole that it compares with. */
  redraw() {
    const column = this.#options.columns[this.#options.columns.length - 1];
    if (this.#shown?.list === JSON.stringify(this.#list)) {
      const cells = this.#section.querySelectorAll("tbody tr > :last-child");
      this.#shown.page.rows.forEach((row, index) => cells[index].replaceChildren(column.cell(row)));
    }
  }

  /** Asks again. */
  reload() {
    this.#panel.reload();
  }

  stop() {
    this.#panel.stop();
  }

  get #order() {
    const { columns, order } = this.#options;
    const orders = [order, ...columns.map((column) => column.order)];
    const chosen = this.#address.choice(`${this.#options.prefix}order_by`, orders);
    return /** @type {Column<Row>} */ (columns.find((column) => column.order === chosen));
  }

  get #direction() {
    const chosen = this.#address.choice(`${this.#options.prefix}dir`, DIRECTIONS);
    return chosen || (this.#order.number ? "b" : "f");
  }

  get #start() {
    return this.#address.integer(`${this.#options.prefix}from`, 0);
  }

  get #limit() {
    return Number(this.#address.choice(`${this.#options.prefix}limit`, LIMITS));
  }

  /** The parameters that choose the rows, without the order. */
  get #list() {
    const { scope, filters } = this.#options;
    return {
      ...scope(),
      // The page shows user IDs as "@alice". The API looks for that in displaynames alone.
      search_term: this.#get("search_term").replace(/^@(?=[^:]*$)/, ""),
      ...Object.fromEntries(filters.map((name) => [name, this.#get(name)])),
    };
  }

  /** @param {string} name */
  #get(name) {
    return this.#address.get(this.#options.prefix + name);
  }

  /**
   * @param {import("./address.js").Changes} changes begins with the first page, unless
   *   they say which
   * @param {{replace?: boolean}} [options]
   */
  #set(changes, options) {
    const named = Object.entries({ from: "", ...changes }).map(([name, value]) => [
      this.#options.prefix + name,
      value,
    ]);
    this.#address.set(Object.fromEntries(named), options);
  }

  /** @param {number} start */
  #turnTo(start, replace = false) {
    this.#set({ from: start > 0 ? String(start) : "" }, { replace });
  }

  /** @param {Column<Row>} column */
  #header(column) {
    return el(
      "th",
      { scope: "col", class: column.number && "number", "data-order": column.order },
      el(
        "button",
        { type: "button", class: "sort", onclick: () => this.#sort(column) },
        column.label,
        // Both tables have these columns.
        ...(column.number ? [el("span", { class: "unseen" }, ` of ${this.#options.name.toLowerCase()}`)] : []),
        el("span", { class: "arrow", "aria-hidden": "true" }),
      ),
    );
  }

  /** @param {Column<Row>} column */
  #sort(column) {
    const usual = column.number ? "b" : "f";
    const turned = column === this.#order && this.#direction === usual;
    const other = usual === "f" ? "b" : "f";
    this.#set({
      order_by: column.order === this.#options.order ? "" : column.order,
      dir: turned ? other : "",
    });
  }

  #listen() {
    for (const select of this.#section.querySelectorAll("select")) {
      const name = select.name;
      select.addEventListener("change", () => {
        this.#set({ [name]: name === "limit" && select.value === LIMITS[0] ? "" : select.value });
      });
    }
    const turns = {
      ".first": () => 0,
      ".previous": () => this.#start - this.#limit,
      ".next": () => this.#start + this.#limit,
      ".last": () => this.#startOfLast(this.#shown?.page.total ?? 0),
    };
    for (const [selector, target] of Object.entries(turns)) {
      const button = find(this.#section, selector);
      button.addEventListener("click", () => {
        if (isEnabled(button)) {
          this.#turnTo(target());
        }
      });
    }
  }

  /** @param {number} total */
  #startOfLast(total) {
    return Math.max(0, Math.ceil(total / this.#limit) - 1) * this.#limit;
  }

  /** How many pages there are is known of the list that is shown. */
  #enablePages() {
    const start = this.#start;
    const known = this.#shown?.list === JSON.stringify(this.#list);
    const more = known && start + this.#limit < (this.#shown?.page.total ?? 0);
    for (const selector of [".first", ".previous"]) {
      enable(find(this.#section, selector), start > 0);
    }
    for (const selector of [".next", ".last"]) {
      enable(find(this.#section, selector), more);
    }
  }

  /** @param {Page<Row>} page */
  #show(page) {
    const { rows, total } = page;
    const start = this.#start;
    if (rows.length === 0 && start > 0) {
      // The list has become shorter.
      this.#turnTo(this.#startOfLast(total), true);
      return;
    }
    this.#showRows(rows);
    this.#shown = { list: JSON.stringify(this.#list), page };
    const where =
      total === 0
        ? "0 of 0"
        : `${count(start + 1)}–${count(start + rows.length)} of ${count(total)}`;
    find(this.#section, ".where").textContent = where;
    find(this.#section, ".found").textContent = `${count(total)} in this time range`;
    this.#enablePages();
    announce(`${this.#options.name}: ${where}`);
  }

  /** @param {Row[]} rows */
  #showRows(rows) {
    const columns = this.#options.columns.length;
    find(this.#section, "tbody").replaceChildren(
      ...(rows.length > 0
        ? rows.map((row) => this.#row(row))
        : [el("tr", {}, el("td", { class: "empty", colspan: columns }, "None found."))]),
    );
  }

  /** @param {Row} row */
  #row(row) {
    return el(
      "tr",
      {},
      ...this.#options.columns.map((column, index) =>
        el(
          index === 0 ? "th" : "td",
          { scope: index === 0 && "row", class: column.number && "number" },
          column.cell(row),
        ),
      ),
    );
  }
}
