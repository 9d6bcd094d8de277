// A list of files: a page of it, and more on request.

import { downloads } from "./download.js";
import { el, find, fromTemplate } from "./dom.js";
import { bytes, exactBytes, minute } from "./format.js";
import { clampedName, name } from "./names.js";
import { Panel } from "./panel.js";

const PAGE = 20;

/** Orders of the list, as the API names them. The first is the default. */
export const ORDERS = /** @type {const} */ ([
  "media_length b",
  "created_ts b",
  "created_ts f",
  "last_access_ts f",
]);

/**
 * @typedef {object} File
 * @property {string} mxc
 * @property {string|null} user_id whose it is, of local files
 * @property {string} server_name where it is from
 * @property {string|null} media_type
 * @property {string|null} upload_name
 * @property {number|null} media_length
 * @property {number} created_ts
 * @property {number|null} last_access_ts
 * @property {string|null} quarantined_by
 * @property {boolean|null} safe_from_quarantine
 * @property {boolean|null} url_preview null of remote files
 */

/** @typedef {{files: File[], next_token?: string}} Answer */
/** @typedef {import("./api.js").Query} Query */
/** @typedef {import("./panel.js").Part} Part */

/**
 * @typedef {object} FilesOptions
 * @property {string} caption
 * @property {() => Query|null} query the parameters; null to ask nothing
 * @property {() => string} csvName
 * @property {import("./openers.js").Openers} [openers] shows whose each file is, too
 */

/** @implements {Part} */
export class FilesPanel {
  #section;
  #body;
  #more;
  #openers;
  #query;
  #panel;
  /** The query of the pages. Null before the first page.
   * @type {Query|null} */
  #asked = null;
  /** Where the next page begins; undefined to begin with the first.
   * @type {string|undefined} */
  #next;

  /**
   * @param {HTMLElement} section
   * @param {import("./api.js").Api} api
   * @param {FilesOptions} options
   */
  constructor(section, api, { caption, query, csvName, openers }) {
    find(section, ".content").append(fromTemplate("files"));
    this.#section = section;
    this.#body = find(section, "tbody");
    this.#more = find(section, ".more");
    this.#openers = openers;
    this.#query = query;
    /** @type {Panel<Query, Answer>} */
    this.#panel = new Panel(section, {
      what: "Reading the list of files",
      query: () => this.#asked && { ...this.#asked, limit: PAGE, from: this.#next },
      load: (asked, asking) => api.get("files", asked, asking),
      show: (answer) => this.#show(answer),
    });
    find(section, "caption").textContent = caption;
    const heads = ["File", ...(openers ? ["Of"] : []), "Type", "Size", "Created (UTC)", "Last read (UTC)"];
    find(section, "thead").append(
      el(
        "tr",
        {},
        ...heads.map((head) => el("th", { scope: "col", class: head === "Size" && "number" }, head)),
      ),
    );
    const named = caption[0].toLowerCase() + caption.slice(1);
    this.#more.setAttribute("aria-label", `Show more ${named}`);
    find(section, ".csv").setAttribute("aria-label", `CSV of ${named}`);
    this.#more.addEventListener("click", () => this.#panel.reload());
    downloads(find(section, ".csv"), csvName, () => {
      const asked = this.#query();
      return asked && api.getCsv("files", asked);
    });
  }

  /** Asks for the first page, if the list is another than before. */
  update() {
    const query = this.#query();
    find(this.#section, ".csv").hidden = query === null;
    if (JSON.stringify(query) !== JSON.stringify(this.#asked)) {
      this.#begin(query);
      this.#panel.update();
    }
  }

  /** Asks again, from the first page. */
  reload() {
    this.#begin(this.#query());
    this.#panel.reload();
  }

  stop() {
    this.#panel.stop();
  }

  /** @param {Query|null} query */
  #begin(query) {
    this.#asked = query;
    this.#next = undefined;
    this.#more.hidden = true;
  }

  /** @param {Answer} answer */
  #show(answer) {
    if (this.#next === undefined) {
      this.#body.replaceChildren();
    }
    const rows = answer.files.map((file) => this.#row(file));
    this.#body.append(...rows);
    if (this.#body.childElementCount === 0) {
      this.#body.append(
        el("tr", {}, el("td", { class: "empty", colspan: this.#openers ? 6 : 5 }, "No files.")),
      );
    }
    this.#next = answer.next_token;
    if (this.#next === undefined && document.activeElement === this.#more) {
      // The button disappears: the focus moves to the first new file.
      rows[0]?.focus();
    }
    this.#more.hidden = this.#next === undefined;
  }

  /** @param {File} file */
  #row(file) {
    const marks = [
      file.quarantined_by && "quarantined",
      file.safe_from_quarantine && "protected",
      file.url_preview && "URL preview",
    ].filter((mark) => typeof mark === "string");
    const size = file.media_length ?? 0;
    const read = file.last_access_ts;
    return el(
      "tr",
      { tabindex: -1 },
      el(
        "th",
        { scope: "row" },
        el("span", { class: "name" }, clampedName(file.upload_name, "Unnamed")),
        ...marks.map((mark) => el("span", { class: "mark" }, mark)),
        el("code", { class: "quiet small" }, name(file.mxc)),
      ),
      ...(this.#openers ? [el("td", { "data-head": "Of" }, this.#owner(file))] : []),
      el("td", { "data-head": "Type" }, el("span", { class: "type" }, clampedName(file.media_type))),
      el("td", { "data-head": "Size", class: "number", title: exactBytes(size) }, bytes(size)),
      el("td", { "data-head": "Created (UTC)" }, minute(file.created_ts)),
      el("td", { "data-head": "Last read (UTC)" }, read === null ? "never" : minute(read)),
    );
  }

  /** @param {File} file */
  #owner({ user_id: user, server_name: server, url_preview }) {
    if (url_preview === null) {
      return this.#openers?.server(server) ?? "";
    }
    return user ? (this.#openers?.user(user) ?? "") : name(null, "nobody");
  }
}
