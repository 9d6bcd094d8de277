// The files of the whole server: a place to search in. All filters are in the address.

import { today } from "./clock.js";
import { check, find, keepFocus, select } from "./dom.js";
import { DAY, bytes, files as inWords } from "./format.js";
import { FilesPanel, ORDERS } from "./files.js";
import { Search } from "./search.js";

/** @typedef {import("./panel.js").Part} Part */

const MIB = 1 << 20;

/** Filters by their names in the address. */
const FILTERS = /** @type {const} */ ([
  "files.media_type",
  "files.min_length",
  "files.unread",
  "files.owner",
  "files.quarantined",
  "files.sha256",
]);

/**
 * The changes of the address that list files with these filters only, and go there.
 *
 * @param {import("./address.js").Changes} filters by name, without "files."
 * @returns {import("./address.js").Changes}
 */
export function filesWith({ source = "local", ...filters }) {
  const named = Object.entries(filters).map(([name, value]) => [`files.${name}`, value]);
  return {
    ...Object.fromEntries(FILTERS.map((name) => [name, ""])),
    files: ORDERS[0],
    files_source: source === "local" ? "" : source,
    ...Object.fromEntries(named),
    at: "files",
  };
}

/** @implements {Part} */
export class FilesSection {
  #section;
  #address;
  #scope;
  #isCheap;
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
   * @param {() => boolean} options.isCheap whether to ask before the person does
   * @param {import("./openers.js").Openers} options.openers
   */
  constructor(section, api, address, scope, { isCheap, openers }) {
    this.#section = section;
    this.#address = address;
    this.#scope = scope;
    this.#isCheap = isCheap;
    this.#list = new FilesPanel(section, api, {
      caption: "Files",
      query: () => (this.#isAsked ? this.#query : null),
      csvName: () => (this.#sha256 ? "files-copies.csv" : `files-${this.#source}.csv`),
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
    return this.#order !== "" || this.#isFiltered || this.#isCheap();
  }

  get #isFiltered() {
    return FILTERS.some((name) => this.#address.get(name) !== "");
  }

  /** The order of the list; "" until the person asks for it. */
  get #order() {
    return this.#address.choice("files", ["", ...ORDERS]);
  }

  get #sha256() {
    return this.#address.get("files.sha256");
  }

  /** A user or server has files of one source only. */
  get #source() {
    const owner = this.#address.get("files.owner");
    return owner === ""
      ? this.#address.choice("files_source", ["local", "remote"])
      : owner.startsWith("@")
        ? "local"
        : "remote";
  }

  /** 0 for any. */
  get #minLength() {
    return this.#address.integer("files.min_length", 0);
  }

  /** A number of days, "never", or "". */
  get #unread() {
    const days = this.#address.integer("files.unread", 0);
    return days > 0 ? String(days) : this.#address.choice("files.unread", ["", "never"]);
  }

  get #quarantined() {
    return this.#address.choice("files.quarantined", ["", "true", "false"]);
  }

  get #query() {
    const [order_by, dir] = (this.#order || ORDERS[0]).split(" ");
    const owner = this.#address.get("files.owner");
    const unread = this.#unread;
    return {
      ...this.#scope(),
      // Copies are looked for everywhere.
      ...(this.#sha256 ? { sha256: this.#sha256 } : { source: this.#source }),
      ...(owner && { [owner.startsWith("@") ? "user" : "server_name"]: owner }),
      media_type: this.#address.get("files.media_type"),
      min_length: this.#minLength || undefined,
      quarantined: this.#quarantined,
      ...(unread === "never"
        ? { never_read: true }
        : unread && { unread_since_ts: today() - Number(unread) * DAY }),
      order_by,
      dir,
    };
  }

  #listen() {
    const section = this.#section;
    find(section, "form").addEventListener("submit", (event) => event.preventDefault());
    find(section, ".ask button").addEventListener("click", () => this.#set({}));
    find(section, ".clear").addEventListener("click", () => {
      this.#ownSize = false;
      this.#set(Object.fromEntries(FILTERS.map((name) => [name, ""])));
    });
    find(section, "form").addEventListener("change", (event) => {
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
    find(section, ".ask").hidden = this.#isAsked;
    find(section, ".content").hidden = !this.#isAsked;
    find(section, ".clear").hidden = !this.#isFiltered;
    check(section, "files_source", this.#sha256 ? "" : this.#source);
    find(section, ".copies").textContent = this.#sha256
      ? `Copies of the file with the SHA-256 ${this.#sha256.slice(0, 12)}…, local and remote.`
      : "";
    this.#owner.update();
    const type = this.#address.get("files.media_type");
    this.#select("files.media_type", type, type);
    if (!this.#ownSize) {
      this.#select("files.min_length", String(this.#minLength || ""), bytes(this.#minLength));
    }
    find(section, ".own-size").hidden = !this.#ownSize;
    this.#select("files.unread", this.#unread, inWords(Number(this.#unread), "day"));
    this.#select("files.quarantined", this.#quarantined, "");
    this.#select("files", this.#order || ORDERS[0], "");
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
