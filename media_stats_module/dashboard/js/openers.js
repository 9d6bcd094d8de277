// Links that open one user or server in the dialog.

import { find, focusHeading } from "./dom.js";
import { viewLink } from "./link.js";
import { name, plainName } from "./names.js";

export class Openers {
  #address;
  /** @type {Map<string, string|null>} The displaynames that the page has seen. */
  #displaynames = new Map();

  /** @param {import("./address.js").Address} address */
  constructor(address) {
    this.#address = address;
  }

  /**
   * @param {string} user the user ID
   * @param {string|null} [displayname] if it is known
   */
  user(user, displayname) {
    if (displayname !== undefined) {
      this.#displaynames.set(user, displayname);
    }
    // They are all of this server, whose name would fill the column.
    return this.#link({ user }, user, user.split(":", 1)[0]);
  }

  /** @param {string} server */
  server(server) {
    return this.#link({ server_name: server }, server, server);
  }

  /**
   * @param {string} user
   * @returns {string|null|undefined} undefined if the page has not seen it
   */
  displayname(user) {
    return this.#displaynames.get(user);
  }

  /**
   * Gives the keyboard's focus to a link of a table, or to the table's heading.
   *
   * @param {string} id the whole name
   * @param {"users"|"servers"} table
   */
  focus(id, table) {
    const section = find(document, `main .${table}`);
    const links = [...section.querySelectorAll(".open")];
    const link = links.find((each) => each.getAttribute("title") === plainName(id));
    if (link instanceof HTMLElement) {
      link.focus();
    } else {
      focusHeading(section);
    }
  }

  /**
   * @param {import("./address.js").Changes} changes
   * @param {string} id the whole name
   * @param {string} shown
   */
  #link(changes, id, shown) {
    return viewLink(
      this.#address,
      () => changes,
      { class: "open", title: plainName(id), "aria-haspopup": "dialog" },
      { opens: true },
      name(shown),
    );
  }
}
