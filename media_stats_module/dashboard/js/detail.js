// One user or server, looked at closely, in a dialog over the page.

import { find, fromTemplate } from "./dom.js";
import { fileName } from "./download.js";
import { FilesPanel, ORDERS } from "./files.js";
import { isAbort } from "./http.js";
import { name } from "./names.js";
import { ReclaimablePanel } from "./reclaimable.js";
import { TimelinePanel } from "./timeline.js";
import { typesPanel } from "./types.js";

/**
 * @typedef {object} Owner whose media are looked at
 * @property {string} id
 * @property {"local"|"remote"} source
 * @property {string|null} [displayname] undefined if it is not known yet
 */

/** What the address says of the dialog. */
const NAMES = [
  ...["user", "server_name", "order"],
  ...["reclaimable", "size_gt", "keep_profiles"].map((name) => `owner.${name}`),
];

/**
 * The dialog. It can be opened again and again.
 */
export class Detail {
  #dialog;
  #api;
  #address;
  #range;
  /** @type {{update: () => void, stop: () => void}[]} */
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
   */
  constructor(dialog, api, address, range) {
    this.#dialog = dialog;
    this.#api = api;
    this.#address = address;
    this.#range = range;
    dialog.addEventListener("close", () => {
      this.#clear();
      address.close(NAMES);
    });
  }

  /**
   * Shows what the address says.
   *
   * @param {Owner|null} owner
   */
  update(owner) {
    if (owner === null) {
      this.#dialog.close();
      return;
    }
    if (owner.id !== this.#owner?.id || owner.source !== this.#owner.source) {
      this.#open(owner);
    }
    find(this.#dialog, ".range-label").textContent = this.#range.label;
    for (const part of this.#parts) {
      part.update();
    }
  }

  remove() {
    this.#clear();
    this.#dialog.remove();
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
    this.#showName(owner);
    const { id, source } = owner;
    const whose = source === "local" ? { user: id } : { server_name: id };
    const scope = () => ({ ...this.#range.query, ...whose });
    const sources = [{ source, label: source === "local" ? "Uploaded" : "Cached" }];
    const order = /** @type {HTMLSelectElement} */ (find(dialog, ".order"));
    this.#timeline = new TimelinePanel(
      find(dialog, ".timeline"),
      this.#api,
      this.#address,
      sources,
      scope,
    );
    const files = new FilesPanel(find(dialog, ".files"), this.#api, {
      query: () => {
        const [orderBy, dir] = this.#address.choice("order", ORDERS).split(" ");
        return { ...scope(), order_by: orderBy, dir };
      },
      csvName: () => `files-${fileName(id)}.csv`,
    });
    const reclaimable = new ReclaimablePanel(
      find(dialog, ".reclaimable"),
      this.#api,
      this.#address,
      { prefix: "owner.", scope: () => ({ ...whose, source }) },
    );
    this.#parts = [
      this.#timeline,
      typesPanel(find(dialog, ".types"), this.#api, sources, scope),
      files,
      reclaimable,
      {
        update: () => {
          order.value = this.#address.choice("order", ORDERS);
        },
        stop: () => {},
      },
    ];
    order.addEventListener("change", () => {
      const chosen = order.value === ORDERS[0] ? "" : order.value;
      this.#address.set({ order: chosen }, { replace: true });
    });
    find(dialog, ".close").addEventListener("click", () => dialog.close());
    if (!dialog.open) {
      // The browser gives the focus back to the row when this closes.
      dialog.showModal();
    }
    find(dialog, "h2").focus();
    if (owner.displayname === undefined && source === "local") {
      this.#findName(owner);
    }
  }

  /** @param {Owner} owner */
  #showName({ id, displayname }) {
    const named = displayname !== undefined && displayname !== null;
    find(this.#dialog, "h2").replaceChildren(name(named ? displayname : id));
    find(this.#dialog, ".id").replaceChildren(...(named ? [name(id)] : []));
  }

  /**
   * A link has the user ID only.
   *
   * @param {Owner} owner
   */
  async #findName(owner) {
    try {
      const { users } = await this.#api.get("users", { search_term: owner.id, limit: 1 });
      if (this.#owner === owner && users.length > 0) {
        this.#showName({ ...owner, displayname: users[0].displayname });
      }
    } catch (error) {
      // The ID is shown. What is wrong with the server, the other parts say.
      if (!isAbort(error)) {
        console.debug(error);
      }
    }
  }
}
