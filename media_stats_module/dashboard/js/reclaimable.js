// What Synapse would delete, and free, if its own deletion APIs were called now.

import { check, el, find, fromTemplate } from "./dom.js";
import { DAY, bytes, day, exactBytes, files, sum } from "./format.js";
import { FilesPanel } from "./files.js";
import { ADMIN } from "./matrix.js";
import { Panel } from "./panel.js";

/** @typedef {import("./format.js").Usage} Usage */

const AGES = /** @type {const} */ (["", "30", "90", "180", "365"]);
const SIZES = /** @type {const} */ (["0", "102400", "1048576", "10485760"]);
const SOURCES = /** @type {const} */ (["local", "remote"]);
const HEADS = { local: "Local", remote: "Remote" };
const LABELS = { local: "Local files", remote: "Cached remote files" };

/** Why files stay, as the API names the reasons. */
const REASONS = {
  avatar: "used as an avatar",
  protected: "protected",
  quarantined: "quarantined",
};

/**
 * @typedef {object} Details
 * @property {Usage} thumbnails
 * @property {Partial<Record<keyof REASONS, Usage>>} kept
 *
 * @typedef {Usage & Details} Part
 *
 * @typedef {object} Age
 * @property {number} days
 * @property {number} before_ts
 * @property {Part} [local]
 * @property {Part} [remote]
 *
 * @typedef {object} Retention
 * @property {number|null} local_media_lifetime
 * @property {number|null} remote_media_lifetime
 * @property {Part} [local] what a run of it would delete now
 * @property {Part} [remote]
 *
 * @typedef {object} Answer
 * @property {Age[]} ages
 * @property {Retention|null} media_retention
 */

export class ReclaimablePanel {
  #section;
  #address;
  #scope;
  #prefix;
  #table;
  #list;
  /** @type {Answer|null} */
  #answer = null;

  /**
   * @param {HTMLElement} section
   * @param {import("./api.js").Api} api
   * @param {import("./address.js").Address} address
   * @param {object} options
   * @param {string} options.prefix of the names in the address
   * @param {() => import("./api.js").Query} options.scope one user or server, or nothing
   * @param {import("./openers.js").Openers} [options.openers]
   */
  constructor(section, api, address, { prefix, scope, openers }) {
    section.append(fromTemplate("reclaimable"));
    find(section, "h3").id = section.getAttribute("aria-labelledby") ?? "";
    const whole = scope().source === undefined;
    for (const each of section.querySelectorAll(".whole-server")) {
      /** @type {HTMLElement} */ (each).hidden = !whole;
    }
    this.#section = section;
    this.#address = address;
    this.#scope = scope;
    this.#prefix = prefix;
    /** @type {Panel<import("./api.js").Query, Answer>} */
    this.#table = new Panel(find(section, ".ages"), {
      what: "Looking for old files",
      query: () => (this.#age === "" ? null : this.#query),
      load: (query, asking) => api.get("reclaimable", query, asking),
      show: (answer) => {
        this.#answer = answer;
        this.update();
      },
    });
    this.#list = new FilesPanel(find(section, ".list"), api, {
      query: () => this.#listQuery(),
      caption: "Files that could be deleted",
      csvName: () => `reclaimable-${this.#source}.csv`,
      openers,
    });
    find(section, "form").addEventListener("submit", (event) => event.preventDefault());
    find(section, ".ask button").addEventListener("click", () => {
      this.#set({ reclaimable: "90" });
    });
    section.addEventListener("change", (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      const value = input.type === "checkbox" ? String(input.checked) : input.value;
      const usual = { size_gt: "0", keep_profiles: "true", reclaimable_source: "local" };
      this.#set({
        [input.name]: usual[/** @type {"size_gt"} */ (input.name)] === value ? "" : value,
      });
    });
  }

  /** Shows what the address says. */
  update() {
    const age = this.#age;
    find(this.#section, ".ask").hidden = age !== "";
    find(this.#section, ".answer").hidden = age === "";
    const size = /** @type {HTMLSelectElement} */ (find(this.#section, "[name=size_gt]"));
    size.value = this.#choice("size_gt", SIZES);
    const keep = /** @type {HTMLInputElement} */ (find(this.#section, "[name=keep_profiles]"));
    keep.checked = this.#keepsProfiles;
    check(this.#section, "reclaimable_source", this.#source);
    this.#table.update();
    this.#show();
    this.#list.update();
  }

  /** Asks again. */
  reload() {
    this.#answer = null;
    this.#table.reload();
    this.#list.reload();
  }

  stop() {
    this.#table.stop();
    this.#list.stop();
  }

  /**
   * @template {string} T
   * @param {string} name
   * @param {readonly T[]} allowed
   */
  #choice(name, allowed) {
    return this.#address.choice(this.#prefix + name, allowed);
  }

  get #age() {
    return this.#choice("reclaimable", AGES);
  }

  get #source() {
    const whose = SOURCES.find((source) => source === this.#scope().source);
    return whose ?? this.#choice("reclaimable_source", SOURCES);
  }

  get #keepsProfiles() {
    return this.#address.get(`${this.#prefix}keep_profiles`) !== "false";
  }

  get #query() {
    return {
      ...this.#scope(),
      size_gt: this.#choice("size_gt", SIZES),
      keep_profiles: this.#keepsProfiles,
    };
  }

  /** @param {import("./address.js").Changes} changes */
  #set(changes) {
    const named = Object.entries(changes).map(([name, value]) => [this.#prefix + name, value]);
    // In a dialog, Back closes the dialog.
    this.#address.set(Object.fromEntries(named), {
      replace: this.#scope().source !== undefined,
    });
  }

  /** The age that is chosen, as the server has answered it. */
  get #chosen() {
    return this.#answer?.ages.find((age) => String(age.days) === this.#age);
  }

  #listQuery() {
    const chosen = this.#chosen;
    if (chosen === undefined) {
      return null;
    }
    const { size_gt, keep_profiles, ...scope } = this.#query;
    return {
      ...scope,
      source: this.#source,
      reclaimable_before_ts: chosen.before_ts,
      // Synapse looks at these for local files only.
      ...(this.#source === "local" && { size_gt, keep_profiles }),
      order_by: "media_length",
      dir: "b",
    };
  }

  #show() {
    const chosen = this.#chosen;
    const answer = this.#answer;
    find(this.#section, ".chosen").hidden = chosen === undefined;
    if (answer === null || chosen === undefined) {
      return;
    }
    const sources = SOURCES.filter((source) => chosen[source] !== undefined);
    find(this.#section, ".ages .content").replaceChildren(
      agesTable(answer.ages, sources, this.#age),
    );
    find(this.#section, ".kept").replaceChildren(
      ...sources.flatMap((source) => keptText(source, /** @type {Part} */ (chosen[source]))),
    );
    find(this.#section, ".retention").textContent = retentionText(answer.media_retention);
    find(this.#section, ".of-source").hidden = sources.length < 2;
    find(this.#section, ".commands pre").textContent = this.#commands(chosen.before_ts);
  }

  /** @param {number} before */
  #commands(before) {
    const { size_gt, keep_profiles } = this.#query;
    const line = (/** @type {string} */ path) =>
      `curl -X POST -H "Authorization: Bearer $TOKEN" '${ADMIN}${path}'`;
    return [
      line(`media/delete?before_ts=${before}&size_gt=${size_gt}&keep_profiles=${keep_profiles}`),
      line(`purge_media_cache?before_ts=${before}`),
    ].join("\n");
  }
}

/**
 * @param {Age[]} ages
 * @param {("local"|"remote")[]} sources
 * @param {string} chosen
 */
function agesTable(ages, sources, chosen) {
  const row = (/** @type {Age} */ age) =>
    el(
      "tr",
      {},
      el(
        "th",
        { scope: "row" },
        el(
          "label",
          {},
          el("input", {
            type: "radio",
            name: "reclaimable",
            value: age.days,
            checked: String(age.days) === chosen,
          }),
          el("span", {}, ` ${age.days} days`),
          el("span", { class: "quiet small" }, ` since ${day(age.before_ts)}`),
        ),
      ),
      ...sources.map((source) => amount(/** @type {Part} */ (age[source]))),
    );
  return el(
    "table",
    {},
    el("caption", { class: "unseen" }, "How much could be deleted, by age"),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, "Not read for"),
        ...sources.map((source) => el("th", { scope: "col", class: "number" }, HEADS[source])),
      ),
    ),
    el("tbody", {}, ...ages.map(row)),
  );
}

/** @param {Part} part */
function amount(part) {
  const { media_length: size } = sum(part, part.thumbnails);
  return el(
    "td",
    { class: "number", title: exactBytes(size) },
    el("strong", {}, bytes(size)),
    el("div", { class: "quiet small" }, files(part.media_count)),
    el("div", { class: "quiet small" }, files(part.thumbnails.media_count, "thumbnail")),
  );
}

/**
 * @param {"local"|"remote"} source
 * @param {Part} part
 */
function keptText(source, { kept }) {
  return Object.entries(REASONS).flatMap(([reason, words]) => {
    const usage = kept[/** @type {keyof REASONS} */ (reason)];
    return usage === undefined || usage.media_count === 0
      ? []
      : [
          el(
            "li",
            {},
            `${LABELS[source]}, ${words}: `,
            el("strong", { title: exactBytes(usage.media_length) }, bytes(usage.media_length)),
            ` in ${files(usage.media_count)}`,
          ),
        ];
  });
}

/** @param {Retention|null} retention */
function retentionText(retention) {
  const parts = SOURCES.flatMap((source) => {
    const lifetime = retention?.[`${source}_media_lifetime`];
    const part = retention?.[source];
    if (typeof lifetime !== "number" || part === undefined) {
      return [];
    }
    const { media_length: size } = sum(part, part.thumbnails);
    return [
      `${LABELS[source].toLowerCase()} that nobody has read for ` +
        `${files(Math.round(lifetime / DAY), "day")} (now ${bytes(size)} in ` +
        `${files(part.media_count)})`,
    ];
  });
  return parts.length === 0
    ? ""
    : `Synapse deletes by itself (media_retention): ${parts.join(", and ")}.`;
}
