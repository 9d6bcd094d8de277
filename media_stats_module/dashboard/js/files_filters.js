// The filters of the list of files: in the address, as the API's parameters, in words.

import { today } from "./clock.js";
import { DAY } from "./format.js";
import { ORDERS } from "./files.js";
import { name } from "./names.js";
import { whoInWords, whoQuery } from "./who.js";

/** Their names in the address. */
const NAMES = /** @type {const} */ ([
  "files.media_type",
  "files.min_length",
  "files.unread",
  "files.owner",
  "files.quarantined",
  "files.url_preview",
  "files.without_owner",
  "files.who",
  "files.sha256",
]);

const YES_OR_NO = /** @type {const} */ (["", "true", "false"]);

// The API has the types of each row of "Types of files" under these names.
const GROUPS = ["image", "video", "audio", "text", "application", "other"];

/** The type that stands for a group of types. @param {string} group */
export function typeOfGroup(group) {
  return group === "other" ? group : `${group}/*`;
}

/** The changes of the address that take all filters out. */
export const WITHOUT_FILTERS = Object.freeze(
  /** @type {import("./address.js").Changes} */ (Object.fromEntries(NAMES.map((each) => [each, ""]))),
);

/**
 * The changes of the address that list files with these filters only, and go there.
 *
 * @param {import("./address.js").Changes} filters by name, without "files."
 * @returns {import("./address.js").Changes}
 */
export function filesWith({ source = "local", ...filters }) {
  const named = Object.entries(filters).map(([each, value]) => [`files.${each}`, value]);
  return {
    ...WITHOUT_FILTERS,
    files: ORDERS[0],
    files_source: source === "local" ? "" : source,
    ...Object.fromEntries(named),
    at: "files",
  };
}

/**
 * The filters for all files of a source that the numbers of this page count in a time
 * range: local files without an owner are in the store's totals only.
 *
 * @param {"local"|"remote"} source
 * @returns {import("./address.js").Changes}
 */
export function countedIn(source) {
  return source === "local" ? { source, without_owner: "false" } : { source };
}

/** A filter that has no control of its own.
 * @typedef {{name: string, words: (Node|string)[]}} Other */

export class FilesFilters {
  #address;
  #serverName;

  /**
   * @param {import("./address.js").Address} address
   * @param {string} serverName of the local users
   */
  constructor(address, serverName) {
    this.#address = address;
    this.#serverName = serverName;
  }

  /** Whether there is any. */
  get isAny() {
    return NAMES.some((each) => this.#address.get(each) !== "");
  }

  /** A user or server. */
  get owner() {
    const owner = this.#address.get("files.owner");
    // The page shows user IDs without the server, so people type them without.
    return /^@[^:]+$/.test(owner) ? `${owner}:${this.#serverName}` : owner;
  }

  get type() {
    return this.#address.get("files.media_type");
  }

  /** 0 for any. */
  get minLength() {
    return this.#address.integer("files.min_length", 0);
  }

  /** A number of days, "never", or "". */
  get unread() {
    const days = this.#address.integer("files.unread", 0);
    return days > 0 ? String(days) : this.#address.choice("files.unread", ["", "never"]);
  }

  get quarantined() {
    return this.#address.choice("files.quarantined", YES_OR_NO);
  }

  get sha256() {
    return this.#address.get("files.sha256");
  }

  /** A user or server has files of one source only. */
  get source() {
    return this.owner === ""
      ? this.#address.choice("files_source", ["local", "remote"])
      : this.owner.startsWith("@")
        ? "local"
        : "remote";
  }

  /** The API's parameters.
   * @returns {import("./api.js").Query} */
  get query() {
    const { owner, unread, sha256, source } = this;
    return {
      // Copies are looked for everywhere.
      ...(sha256 ? { sha256 } : { source }),
      ...(owner && { [source === "local" ? "user" : "server_name"]: owner }),
      ...this.#typeQuery,
      min_length: this.minLength || undefined,
      quarantined: this.quarantined,
      ...(unread === "never"
        ? { never_read: true }
        : unread && { unread_since_ts: today() - Number(unread) * DAY }),
      ...(this.#isLocal && {
        url_preview: this.#urlPreview,
        without_owner: this.#withoutOwner,
        ...whoQuery(this.#who),
      }),
    };
  }

  /** @returns {Other[]} */
  get others() {
    const { sha256 } = this;
    const who = whoInWords(this.#who);
    const local = [
      ...yesOrNo("files.url_preview", this.#urlPreview, "URL previews"),
      ...yesOrNo("files.without_owner", this.#withoutOwner, "without an owner"),
      ...(who === null ? [] : [{ name: "files.who", words: ["Only: ", who] }]),
    ];
    return [
      ...(this.#isLocal ? local : []),
      ...(sha256 ? [{ name: "files.sha256", words: ["Only copies: SHA-256 ", name(`${sha256.slice(0, 12)}…`)] }] : []),
    ];
  }

  get #typeQuery() {
    const group = GROUPS.find((each) => typeOfGroup(each) === this.type);
    return group === undefined ? { media_type: this.type } : { group };
  }

  /** Whether the filters for local files apply. */
  get #isLocal() {
    return this.source === "local" && this.sha256 === "";
  }

  get #urlPreview() {
    return this.#address.choice("files.url_preview", YES_OR_NO);
  }

  get #withoutOwner() {
    return this.#address.choice("files.without_owner", YES_OR_NO);
  }

  get #who() {
    return this.#address.get("files.who");
  }
}

/**
 * @param {string} filter
 * @param {""|"true"|"false"} value
 * @param {string} words
 * @returns {Other[]}
 */
function yesOrNo(filter, value, words) {
  return value === "" ? [] : [{ name: filter, words: [`${value === "true" ? "Only" : "Not"}: ${words}`] }];
}
