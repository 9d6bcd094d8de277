// The users that have uploaded something.

import { find, keepFocus } from "./dom.js";
import { clampedName } from "./names.js";
import { ownersTable } from "./owners.js";
import { whoInWords, whoQuery } from "./who.js";

/**
 * @typedef {object} User
 * @property {string} user_id
 * @property {string|null} displayname
 *
 * @typedef {import("./format.js").Usage & User} UserUsage
 */

/**
 * @param {HTMLElement} section to fill
 * @param {import("./api.js").Api} api
 * @param {import("./address.js").Address} address
 * @param {() => import("./range.js").Window} scope the time range
 * @param {(source: "local"|"remote") => import("./format.js").Usage|null} whole all files
 *   in the time range, if that is known
 * @param {import("./openers.js").Openers} openers
 */
export function usersTable(section, api, address, scope, whole, openers) {
  const who = () => address.get("users.who");
  const asked = () => ({ ...scope(), ...whoQuery(who()) });
  const table = ownersTable(section, api, address, asked, {
    endpoint: "users",
    id: (user) => user.user_id,
    title: "Users",
    search: "Search for users",
    filters: ["deactivated"],
    whole: () => whole("local"),
    wholeName: "all local files",
    names: [
      {
        order: "user_id",
        label: "User",
        number: false,
        cell: (/** @type {UserUsage} */ user) => openers.user(user.user_id, user.displayname),
      },
      {
        order: "displayname",
        label: "Name",
        number: false,
        cell: (user) => clampedName(user.displayname),
      },
    ],
  });
  find(section, ".deactivated").hidden = false;
  find(section, ".who").addEventListener("click", () => {
    address.set({ "users.who": "", "users.from": "" });
  });
  const show = () => {
    const words = whoInWords(who());
    const button = find(section, ".who");
    button.replaceChildren(...(words === null ? [] : ["Only: ", words, " ✕"]));
    keepFocus(section, () => {
      button.hidden = words === null;
    });
  };
  address.onChange(show);
  show();
  return table;
}
