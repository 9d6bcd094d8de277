// One user or server, looked at closely, in a dialog over the page.

import { find, fromTemplate } from "./dom.js";
import { fileName } from "./download.js";
import { FilesPanel, ORDERS } from "./files.js";
import { filesWith } from "./files_filters.js";
import { isAbort } from "./http.js";
import { viewLink } from "./link.js";
import { name } from "./names.js";
import { showServersChoices, userDeletion } from "./next_step.js";
import { daysFrom } from "./range.js";
import { ReclaimablePanel } from "./reclaimable.js";
import { labelOf } from "./sources.js";
import { TimelinePanel } from "./timeline.js";
import { typesPanel } from "./types.js";

/**
 * @typedef {object} Owner whose media are looked at
 * @property {string} id
 * @property {"local"|"remote"} source
 */

/** The names in the address that belong to the dialog. */
const NAMES = [
  ...["user", "server_name", "order"],
  ...["reclaimable", "size_gt", "keep_profiles"].map((name) => `owner.${name}`),
];

/** The changes of the address that close the dialog. */
const CLOSED = Object.fromEntries(NAMES.map((each) => [each, ""]));

/**
 * The dialog. It can be opened again and again.
 */
export class Detail {
  #dialog;
  #api;
  #address;
  #range;
  #openers;
  #isSmallStore;
  /** @type {import("./panel.js").Part[]} */
  #parts = [];
  /** @type {TimelinePanel|null} */
  #timeline = null;
  /** @type {Owner|null} */
  #owner = null;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {import("./api.js").Api} api
   * @param {import("./address.js").Address} address
   * @param {import("./range.js").Range} range
   * @param {import("./openers.js").Openers} openers know displaynames
   * @param {() => boolean} isSmallStore whether reading all files is cheap
   */
  constructor(dialog, api, address, range, openers, isSmallStore) {
    this.#dialog = dialog;
    this.#api = api;
    this.#address = address;
    this.#range = range;
    this.#openers = openers;
    this.#isSmallStore = isSmallStore;
    dialog.addEventListener("close", () => {
      const owner = this.#owner;
      this.#clear();
      address.close(NAMES);
      if (owner !== null && document.activeElement === document.body) {
        // It was opened by an address, or its row was drawn again.
        openers.focus(owner.id, owner.source === "local" ? "users" : "servers");
      }
    });
  }

  /** Updates the view from the address. */
  update() {
    const owner = this.#asked;
    if (owner === null) {
      this.#dialog.close();
      return;
    }
    if (owner.id !== this.#owner?.id || owner.source !== this.#owner.source) {
      this.#open(owner);
    }
    for (const label of this.#dialog.querySelectorAll(".range-label")) {
      label.textContent = this.#range.label;
    }
    this.#order.value = this.#address.choice("order", ORDERS);
    for (const part of this.#parts) {
      part.update();
    }
  }

  remove() {
    this.#clear();
    this.#dialog.remove();
  }

  /** @returns {Owner|null} */
  get #asked() {
    const [user, server] = [this.#address.get("user"), this.#address.get("server_name")];
    return user
      ? { id: user, source: "local" }
      : server
        ? { id: server, source: "remote" }
        : null;
  }

  get #order() {
    return /** @type {HTMLSelectElement} */ (find(this.#dialog, ".order"));
  }

  #clear() {
    this.#owner = null;
    for (const part of this.#parts) {
      part.stop();
    }
    this.#timeline?.remove();
    this.#timeline = null;
    this.#parts = [];
    this.#dialog.replaceChildren();
  }

  /** @param {Owner} owner */
  #open(owner) {
    this.#clear();
    this.#owner = owner;
    const dialog = this.#dialog;
    dialog.replaceChildren(fromTemplate("detail"));
    this.#parts = this.#makeParts(owner);
    find(dialog, ".files .tools").append(
      viewLink(
        this.#address,
        () => ({ ...CLOSED, ...filesWith({ source: owner.source, owner: owner.id }) }),
        {},
        {},
        "Search these files",
      ),
    );
    this.#order.addEventListener("change", () => {
      const chosen = this.#order.value === ORDERS[0] ? "" : this.#order.value;
      this.#address.set({ order: chosen }, { replace: true });
    });
    find(dialog, ".close").addEventListener("click", () => dialog.close());
    if (!dialog.open) {
      // The browser gives the focus back to the row when this closes.
      dialog.showModal();
    }
    this.#showNames(owner);
    find(dialog, "h2").focus();
  }

  /** @param {Owner} owner */
  #makeParts({ id, source }) {
    const dialog = this.#dialog;
    const whose = source === "local" ? { user: id } : { server_name: id };
    const scope = () => ({ ...this.#range.query, ...whose });
    const sources = [{ source, label: labelOf(source) }];
    this.#timeline = new TimelinePanel(
      find(dialog, ".timeline"),
      this.#api,
      this.#address,
      sources,
      scope,
      {
        onOpen: (from, until) =>
          this.#address.set({ ...CLOSED, ...daysFrom(from, until), ...filesWith({ source, owner: id }) }),
      },
    );
    return [
      this.#timeline,
      typesPanel(find(dialog, ".types"), this.#api, sources, scope, this.#address, () => ({ source, owner: id })),
      new FilesPanel(find(dialog, ".files"), this.#api, {
        caption: `Files of ${id}`,
        query: () => {
          const [order_by, dir] = this.#address.choice("order", ORDERS).split(" ");
          return { ...scope(), order_by, dir };
        },
        csvName: () => `files-${fileName(id)}.csv`,
      }),
      new ReclaimablePanel(find(dialog, ".reclaimable"), this.#api, this.#address, {
        prefix: "owner.",
        scope: () => ({ ...whose, source }),
        isCheap: this.#isSmallStore,
      }),
      ...this.#nextStep({ id, source }),
    ];
  }

  /**
   * @param {Owner} owner
   * @returns {import("./panel.js").Part[]}
   */
  #nextStep({ id, source }) {
    const section = find(this.#dialog, ".next-step");
    if (source === "local") {
      return [userDeletion(section, this.#api, id, find(this.#dialog, ".account-of"))];
    }
    showServersChoices(section, this.#address, id);
    return [];
  }

  /** @param {Owner} owner */
  async #showNames(owner) {
    const { id, source } = owner;
    if (source === "remote") {
      this.#showName(id, null);
      return;
    }
    const known = this.#openers.displayname(id);
    this.#showName(id, known ?? null);
    if (known === undefined) {
      const displayname = await this.#findDisplayname(id);
      if (this.#owner === owner) {
        this.#showName(id, displayname);
      }
    }
  }

  /**
   * @param {string} id
   * @param {string|null} displayname
   */
  #showName(id, displayname) {
    const isNamed = displayname !== null;
    find(this.#dialog, "h2").replaceChildren(name(displayname ?? id));
    find(this.#dialog, ".id").replaceChildren(...(isNamed ? [name(id)] : []));
  }

  /**
   * @param {string} id
   * @returns {Promise<string|null>}
   */
  async #findDisplayname(id) {
    try {
      // Others may have this ID in their displaynames.
      const { users } = await this.#api.get("users", { search_term: id, limit: 100 });
      return users.find((/** @type {any} */ user) => user.user_id === id)?.displayname ?? null;
    } catch (error) {
      // Shows the ID alone. The other parts report the error.
      if (!isAbort(error)) {
        console.debug(error);
      }
      return null;
    }
  }
}
