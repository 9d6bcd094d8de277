// The files that Synapse's own deletion APIs would delete now, by age; and the commands.

import { agesTable } from "./ages.js";
import { check, el, find, fromTemplate, keepFocus, select } from "./dom.js";
import { NOTHING, bytes, exactBytes, files, sum } from "./format.js";
import { FilesPanel } from "./files.js";
import { command } from "./copy.js";
import { decision, retentionText } from "./decision.js";
import { mediaDelete, purgeMediaCache } from "./deletions.js";
import { Panel } from "./panel.js";
import { SOURCES } from "./sources.js";

/** @typedef {import("./format.js").Usage} Usage */
/** @typedef {import("./api.js").Query} Query */
/** @typedef {import("./panel.js").Part} Part */

const AGES = /** @type {const} */ (["", "30", "90", "180", "365"]);
const USUAL_AGE = "90";

/**
 * @typedef {object} Details
 * @property {Usage} [thumbnails] of the files, if they were asked for
 * @property {Usage & {thumbnails?: Usage}} [url_previews] whose rows Synapse deletes, but
 *   not their files
 * @property {Partial<Record<"avatar"|"protected"|"quarantined", Usage>>} kept
 *
 * @typedef {Usage & Details} Amount
 *
 * @typedef {object} Age
 * @property {number} days
 * @property {number} before_ts
 * @property {Amount} [local]
 * @property {Amount} [remote]
 *
 * @typedef {object} Retention
 * @property {number|null} local_media_lifetime
 * @property {number|null} remote_media_lifetime
 * @property {Amount} [local] the files that it would delete now
 * @property {Amount} [remote]
 *
 * @typedef {object} Answer
 * @property {Age[]} ages
 * @property {Retention|null} media_retention
 */

/**
 * @typedef {object} ReclaimableOptions
 * @property {string} prefix of the names in the address
 * @property {() => Query} scope one user or server, with its source; or nothing
 * @property {() => boolean} isCheap whether to ask before the person does
 * @property {() => boolean} [isEmpty] whether there is nothing at all
 * @property {import("./openers.js").Openers} [openers]
 */

/** @implements {Part} */
export class ReclaimablePanel {
  #section;
  #address;
  #options;
  #ages;
  #thumbnails;
  #list;
  /** The last answer, and its question.
   * @type {{query: string, answer: Answer}|null} */
  #known = null;
  /** The same, with thumbnails.
   * @type {{query: string, answer: Answer}|null} */
  #withThumbnails = null;

  /**
   * @param {HTMLElement} section
   * @param {import("./api.js").Api} api
   * @param {import("./address.js").Address} address
   * @param {ReclaimableOptions} options
   */
  constructor(section, api, address, options) {
    section.append(fromTemplate("reclaimable"));
    this.#section = section;
    this.#address = address;
    this.#options = options;
    /** @type {Panel<Query, Answer>} */
    this.#ages = new Panel(find(section, ".ages"), {
      what: "Looking for old files",
      query: () => (this.#age === "" ? null : this.#query),
      load: (query, asking) => api.get("reclaimable", query, asking),
      show: (answer, query) => {
        this.#known = { query: JSON.stringify(query), answer };
        find(section, ".ages .content").replaceChildren(
          agesTable(answer.ages, this.#sources, this.#age),
        );
        this.#update();
      },
    });
    // They take longer than all else, and change little.
    /** @type {Panel<Query, Answer>} */
    this.#thumbnails = new Panel(find(section, ".thumbnails"), {
      what: "Looking for their thumbnails",
      query: () => (this.#chosen ? { ...this.#query, thumbnails: true } : null),
      load: (query, asking) => api.get("reclaimable", query, asking),
      show: (answer) => {
        this.#withThumbnails = { query: JSON.stringify(this.#query), answer };
        this.#showThumbnails();
      },
    });
    const details = /** @type {HTMLDetailsElement} */ (find(section, ".list"));
    this.#list = new FilesPanel(find(section, ".list"), api, {
      caption: "Files that could be deleted",
      query: () => (details.open ? this.#listQuery : null),
      csvName: () => `reclaimable-${this.#source}.csv`,
      openers: options.openers,
    });
    details.addEventListener("toggle", () => this.#list.update());
    this.#listen();
  }

  /** Updates the view from the address. */
  update() {
    const empty = this.#isEmpty;
    const asked = this.#age !== "";
    keepFocus(this.#section, () => {
      find(this.#section, ".nothing").hidden = !empty;
      find(this.#section, ".ask").hidden = asked || empty;
      find(this.#section, ".answer").hidden = !asked;
    });
    select(find(this.#section, "[name=size_gt]"), String(this.#size), `${bytes(this.#size)}`);
    const keep = /** @type {HTMLInputElement} */ (find(this.#section, "[name=keep_profiles]"));
    keep.checked = this.#keepsProfiles;
    check(this.#section, "reclaimable", this.#age);
    check(this.#section, "reclaimable_source", this.#source);
    this.#ages.update();
    this.#update();
  }

  /** Asks again. */
  reload() {
    this.#known = null;
    this.#withThumbnails = null;
    this.#ages.reload();
    this.#update();
  }

  stop() {
    this.#ages.stop();
    this.#thumbnails.stop();
    this.#list.stop();
  }

  get #isOfOwner() {
    return this.#options.scope().source !== undefined;
  }

  get #sources() {
    const { source } = this.#options.scope();
    return SOURCES.map((each) => each.source).filter((each) => source === undefined || source === each);
  }

  /** @param {string} name */
  #get(name) {
    return this.#address.get(this.#options.prefix + name);
  }

  get #isEmpty() {
    return this.#options.isEmpty?.() ?? false;
  }

  /** "" if nobody has asked, or there is nothing. */
  get #age() {
    if (this.#isEmpty) {
      return "";
    }
    const age = this.#address.choice(`${this.#options.prefix}reclaimable`, AGES);
    return age || (this.#options.isCheap() ? USUAL_AGE : "");
  }

  get #source() {
    const [first, ...others] = this.#sources;
    return others.find((source) => source === this.#get("reclaimable_source")) ?? first;
  }

  get #size() {
    return this.#address.integer(`${this.#options.prefix}size_gt`, 0);
  }

  get #keepsProfiles() {
    return this.#get("keep_profiles") !== "false";
  }

  get #query() {
    return {
      ...this.#options.scope(),
      // Synapse looks at these for local files only.
      ...(this.#sources.includes("local") && {
        size_gt: this.#size,
        keep_profiles: this.#keepsProfiles,
      }),
    };
  }

  /** The chosen age, if the question of now is answered. */
  get #chosen() {
    const known = this.#known;
    return known !== null && known.query === JSON.stringify(this.#query)
      ? known.answer.ages.find((age) => String(age.days) === this.#age)
      : undefined;
  }

  /** Null while it is not known which files these are. */
  get #listQuery() {
    const chosen = this.#chosen;
    if (chosen === undefined) {
      return null;
    }
    const { size_gt, keep_profiles, ...scope } = this.#query;
    return {
      ...scope,
      source: this.#source,
      reclaimable_before_ts: chosen.before_ts,
      ...(this.#source === "local" && { size_gt, keep_profiles }),
      order_by: "media_length",
      dir: "b",
    };
  }

  #listen() {
    const section = this.#section;
    find(section, "form").addEventListener("submit", (event) => event.preventDefault());
    find(section, ".ask button").addEventListener("click", () => this.#set({ reclaimable: USUAL_AGE }));
    section.addEventListener("change", (event) => {
      const { name, type, value, checked } = /** @type {HTMLInputElement} */ (event.target);
      const chosen = type === "checkbox" ? String(checked) : value;
      const usual = { size_gt: "0", keep_profiles: "true", reclaimable_source: "local" };
      this.#set({ [name]: usual[/** @type {"size_gt"} */ (name)] === chosen ? "" : chosen });
    });
  }

  /** @param {import("./address.js").Changes} changes */
  #set(changes) {
    const named = Object.entries(changes).map(([name, value]) => [this.#options.prefix + name, value]);
    // In a dialog, Back closes the dialog.
    this.#address.set(Object.fromEntries(named), { replace: this.#isOfOwner });
  }

  #update() {
    this.#show();
    this.#thumbnails.update();
    this.#list.update();
  }

  #show() {
    const chosen = this.#chosen;
    const place = find(this.#section, ".chosen");
    place.hidden = this.#known === null;
    // It keeps its height, so that nothing below it moves.
    place.classList.toggle("pending", chosen === undefined);
    if (chosen === undefined || this.#known === null) {
      return;
    }
    find(this.#section, ".tools").hidden = !this.#sources.includes("local");
    find(this.#section, ".of-local").hidden = this.#isOfOwner;
    find(this.#section, ".decisions").replaceChildren(
      ...this.#sources.map((source) => decision(source, chosen, this.#commandOf(source, chosen.before_ts))),
    );
    find(this.#section, ".retention").textContent = retentionText(this.#known.answer.media_retention);
    find(this.#section, ".of-source").hidden = this.#isOfOwner;
    this.#showThumbnails();
  }

  /**
   * @param {"local"|"remote"} source
   * @param {number} before
   * @returns {HTMLElement|null} null for one user or server, whom Synapse's deletions by age
   *   cannot be told
   */
  #commandOf(source, before) {
    if (this.#isOfOwner) {
      return null;
    }
    return source === "local"
      ? command(mediaDelete(before, this.#size, this.#keepsProfiles), "deletes these local files")
      : command(purgeMediaCache(before), "deletes these remote files");
  }

  #showThumbnails() {
    const known = this.#withThumbnails;
    const content = find(this.#section, ".thumbnails .content");
    const isOfThis = known !== null && known.query === JSON.stringify(this.#query);
    const age = isOfThis && known.answer.ages.find(({ days }) => String(days) === this.#age);
    const usages = age ? this.#sources.map((source) => age[source]?.thumbnails ?? NOTHING) : [];
    const { media_count: number, media_length: size } = sum(...usages);
    content.replaceChildren(
      ...(age
        ? [
            "Their thumbnails go, too: ",
            el("strong", { title: exactBytes(size) }, bytes(size)),
            ` in ${files(number, "thumbnail")}.`,
          ]
        : []),
    );
  }
}
