// The files of the whole server: a place to search in. All filters are in the address.

import { check, el, find, keepFocus, select } from "./dom.js";
import { bytes, files as inWords } from "./format.js";
import { FilesPanel, ORDERS } from "./files.js";
import { FilesFilters, WITHOUT_FILTERS } from "./files_filters.js";
import { plainName } from "./names.js";
import { Search } from "./search.js";

/** @typedef {import("./panel.js").Part} Part */

const MIB = 1 << 20;

/** @implements {Part} */
export class FilesSection {
  #section;
  #address;
  #scope;
  #isCheap;
  #filters;
  #list;
  #owner;
  /** Whether the box for a size of one's own is shown. */
  #ownSize = false;

  /**
   * @param {HTMLElement} section
   * @param {import("./api.js").Api} api
   * @param {import("./address.js").Address} address
   * @param {() => import("./range.js").Window} scope the time range
   * @param {object} options
   * @param {string} options.serverName of the local users
   * @param {() => boolean} options.isCheap whether to ask before the person does
   * @param {import("./openers.js").Openers} options.openers
   */
  constructor(section, api, address, scope, { serverName, isCheap, openers }) {
    this.#section = section;
    this.#address = address;
    this.#scope = scope;
    this.#isCheap = isCheap;
    this.#filters = new FilesFilters(address, serverName);
    this.#list = new FilesPanel(section, api, {
      caption: "Files",
      query: () => (this.#isAsked ? this.#query : null),
      csvName: () => (this.#filters.sha256 ? "files-copies.csv" : `files-${this.#filters.source}.csv`),
      openers,
    });
    this.#owner = new Search(
      /** @type {HTMLInputElement} */ (find(section, "input[type=search]")),
      () => address.get("files.owner"),
      (owner, replace) => this.#set({ "files.owner": owner }, replace),
    );
    this.#listen();
  }

  /** Updates the view from the address. */
  update() {
    keepFocus(this.#section, () => this.#show());
    this.#list.update();
  }

  reload() {
    this.#list.reload();
  }

  stop() {
    this.#list.stop();
  }

  get #isAsked() {
    return this.#order !== "" || this.#filters.isAny || this.#isCheap();
  }

  /** The order of the list; "" until the person asks for it. */
  get #order() {
    return this.#address.choice("files", ["", ...ORDERS]);
  }

  get #query() {
    const [order_by, dir] = (this.#order || ORDERS[0]).split(" ");
    return { ...this.#scope(), ...this.#filters.query, order_by, dir };
  }

  #listen() {
    const section = this.#section;
    find(section, "form").addEventListener("submit", (event) => event.preventDefault());
    find(section, ".ask button").addEventListener("click", () => this.#set({}));
    find(section, ".clear").addEventListener("click", () => {
      this.#ownSize = false;
      this.#set(WITHOUT_FILTERS);
    });
    section.addEventListener("change", (event) => {
      const { name, value, type } = /** @type {HTMLInputElement} */ (event.target);
      if (type === "search") {
        return;
      }
      this.#ownSize = name === "files.min_length" && value === "own";
      if (this.#ownSize) {
        find(section, "[name=own_size]").closest("label")?.removeAttribute("hidden");
        find(section, "[name=own_size]").focus();
      } else if (name === "own_size") {
        this.#set({ "files.min_length": Number(value) > 0 ? String(Math.round(Number(value) * MIB)) : "" });
      } else if (name === "files_source") {
        this.#set({ files_source: value === "local" ? "" : value, "files.owner": "", "files.sha256": "" });
      } else {
        this.#set({ [name]: value });
      }
    });
  }

  /**
   * @param {import("./address.js").Changes} changes
   * @param {boolean} [replace]
   */
  #set(changes, replace = false) {
    this.#address.set({ files: this.#order || ORDERS[0], ...changes }, { replace });
  }

  #show() {
    const section = this.#section;
    const { source, sha256, owner, type, minLength, unread, quarantined, isAny } = this.#filters;
    find(section, ".ask").hidden = this.#isAsked;
    find(section, ".content").hidden = !this.#isAsked;
    find(section, ".clear").hidden = !isAny;
    check(section, "files_source", sha256 ? "" : source);
    find(section, "input[type=search]").title = plainName(owner);
    this.#owner.update();
    this.#select("files.media_type", type, type);
    if (!this.#ownSize) {
      this.#select("files.min_length", String(minLength || ""), bytes(minLength));
    }
    find(section, ".own-size").hidden = !this.#ownSize;
    this.#select("files.unread", unread, inWords(Number(unread), "day"));
    this.#select("files.quarantined", quarantined, "");
    this.#select("files", this.#order || ORDERS[0], "");
    find(section, ".others").replaceChildren(...this.#filters.others.map((other) => this.#other(other)));
  }

  /** @param {import("./files_filters.js").Other} other */
  #other({ name, words }) {
    return el("button", { type: "button", onclick: () => this.#set({ [name]: "" }) }, ...words, " ✕");
  }

  /**
   * @param {string} name
   * @param {string} value
   * @param {string} label if it is not among the options
   */
  #select(name, value, label) {
    select(find(this.#section, `[name="${name}"]`), value, label);
  }
}
