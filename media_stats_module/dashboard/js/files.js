// The files themselves: the largest, oldest or longest unread, a page after another.

import { downloads } from "./download.js";
import { el, find } from "./dom.js";
import { bytes, exactBytes, minute } from "./format.js";
import { clampedName, name } from "./names.js";
import { opener } from "./owners.js";
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
 * @property {boolean|null} url_preview
 */

/** @typedef {{files: File[], next_token?: string}} Answer */

/**
 * @typedef {object} FilesOptions
 * @property {() => import("./api.js").Query|null} query what to ask with; null for nothing
 * @property {() => string} csvName
 * @property {(owner: {user_id: string}|{server_name: string}) => void} [onOpen] shows
 *   whose each file is, and opens that
 */

/** @extends {Panel<import("./api.js").Query, Answer>} */
export class FilesPanel extends Panel {
  #body;
  #more;
  #onOpen;
  /** Where the next page begins; undefined to begin with the first.
   * @type {string|undefined} */
  #next;

  /**
   * @param {HTMLElement} section with what the template "files" has in its `.content`
   * @param {import("./api.js").Api} api
   * @param {FilesOptions} options
   */
  constructor(section, api, { query, csvName, onOpen }) {
    super(section, {
      what: "Reading the list of files",
      query,
      load: (asked, signal) =>
        api.get("files", { ...asked, limit: PAGE, from: this.#next }, signal),
      show: (answer, asked) => this.#show(answer, asked.source === "remote"),
    });
    find(section, ".content").append(
      /** @type {HTMLTemplateElement} */ (find(document, "#files")).content.cloneNode(true),
    );
    this.#body = find(section, "tbody");
    this.#more = find(section, ".more");
    this.#onOpen = onOpen;
    const heads = ["File", ...(onOpen ? ["Of"] : []), "Type", "Size", "Created (UTC)", "Last read (UTC)"];
    find(section, "thead").append(
      el(
        "tr",
        {},
        ...heads.map((head) => el("th", { scope: "col", class: head === "Size" && "number" }, head)),
      ),
    );
    this.#more.addEventListener("click", () => this.again());
    downloads(find(section, ".csv"), csvName, () => api.getCsv("files", query() ?? {}));
  }

  /** Asks again, from the first page. */
  reload() {
    this.#next = undefined;
    super.reload();
  }

  /**
   * @param {Answer} answer
   * @param {boolean} remote
   */
  #show(answer, remote) {
    if (this.#next === undefined) {
      this.#body.replaceChildren();
    }
    this.#body.append(...answer.files.map((file) => this.#row(file, remote)));
    if (this.#body.childElementCount === 0) {
      this.#body.append(
        el("tr", {}, el("td", { class: "empty", colspan: this.#onOpen ? 6 : 5 }, "No files.")),
      );
    }
    this.#next = answer.next_token;
    this.#more.hidden = this.#next === undefined;
  }

  /**
   * @param {File} file
   * @param {boolean} remote
   */
  #row(file, remote) {
    const marks = [
      file.quarantined_by && "quarantined",
      file.safe_from_quarantine && "protected",
      file.url_preview && "URL preview",
    ].filter((mark) => typeof mark === "string");
    const size = file.media_length ?? 0;
    const read = file.last_access_ts;
    return el(
      "tr",
      {},
      el(
        "th",
        { scope: "row" },
        el("span", { class: "name" }, clampedName(file.upload_name, "Unnamed")),
        ...marks.map((mark) => el("span", { class: "mark" }, mark)),
        el("code", { class: "quiet small" }, name(file.mxc)),
      ),
      ...(this.#onOpen ? [el("td", { "data-head": "Of" }, this.#owner(file, remote))] : []),
      el("td", { "data-head": "Type" }, name(file.media_type)),
      el("td", { "data-head": "Size", class: "number", title: exactBytes(size) }, bytes(size)),
      el("td", { "data-head": "Created (UTC)" }, minute(file.created_ts)),
      el("td", { "data-head": "Last read (UTC)" }, read === null ? "never" : minute(read)),
    );
  }

  /**
   * @param {File} file
   * @param {boolean} remote
   */
  #owner({ user_id: user, server_name: server }, remote) {
    if (remote) {
      return opener(server, server, () => this.#onOpen?.({ server_name: server }));
    }
    return user
      ? opener(user, user.split(":", 1)[0], () => this.#onOpen?.({ user_id: user }))
      : name(null, "nobody");
  }
}
