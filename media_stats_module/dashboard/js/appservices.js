// Who uploads: people, each bridge, accounts that are gone.

import { el, find } from "./dom.js";
import { bytes, count, exactBytes, share, sum } from "./format.js";
import { viewLink } from "./link.js";
import { name } from "./names.js";
import { Panel } from "./panel.js";

/** @typedef {import("./format.js").Usage} Usage */

/**
 * @typedef {object} Details
 * @property {string|null} appservice_id null of people, and of users without an account
 * @property {boolean} has_account
 * @property {number} users
 * @property {number} deactivated_users
 * @property {number} deactivated_media_count
 * @property {number} deactivated_media_length
 *
 * @typedef {Usage & Details} Appservice
 *
 * @typedef {object} Row
 * @property {Node} label
 * @property {import("./address.js").Changes} filter of the users' table
 * @property {number} users
 * @property {Usage} usage
 */

/** The filter of the users' table for those whom nobody else registered. */
const PEOPLE = "people";
const WITHOUT_ACCOUNT = "no_account";
const BRIDGE = "appservice:";

/**
 * The API's parameters for the filter of users.
 *
 * @param {string} who
 * @returns {import("./api.js").Query}
 */
export function usersWho(who) {
  if (who === PEOPLE) {
    return { appservice: null };
  }
  if (who === WITHOUT_ACCOUNT) {
    return { has_account: false };
  }
  return who.startsWith(BRIDGE) ? { appservice: who.slice(BRIDGE.length) } : {};
}

/**
 * The same in words.
 *
 * @param {string} who
 * @returns {Node|null} null without the filter
 */
export function whoInWords(who) {
  if (who === PEOPLE) {
    return name("People");
  }
  if (who === WITHOUT_ACCOUNT) {
    return name("No account");
  }
  return who.startsWith(BRIDGE) ? name(who.slice(BRIDGE.length)) : null;
}

/**
 * @param {HTMLElement} section is hidden where people alone upload
 * @param {import("./api.js").Api} api
 * @param {import("./address.js").Address} address
 * @param {() => import("./range.js").Window} scope the time range
 */
export function appservicesPanel(section, api, address, scope) {
  return new Panel(section, {
    what: "Adding up files by who registered the users",
    query: () => ({ ...scope(), limit: 100 }),
    load: (query, asking) => api.get("appservices", query, asking),
    show: ({ appservices }) => {
      const rows = rowsOf(appservices);
      section.hidden = rows.length < 2;
      find(section, ".content").replaceChildren(table(rows, sum(...appservices), address));
    },
    explain: (error) => {
      section.hidden = false;
      return error.message;
    },
  });
}

/**
 * @param {Appservice[]} appservices
 * @returns {Row[]}
 */
function rowsOf(appservices) {
  const rows = appservices.map((each) => {
    const { appservice_id: id, has_account } = each;
    const who = id !== null ? BRIDGE + id : has_account ? PEOPLE : WITHOUT_ACCOUNT;
    return {
      label: /** @type {Node} */ (whoInWords(who)),
      filter: { "users.who": who, "users.deactivated": "" },
      users: each.users,
      usage: each,
    };
  });
  const users = appservices.reduce((all, each) => all + each.deactivated_users, 0);
  const usage = sum(
    ...appservices.map((each) => ({
      media_count: each.deactivated_media_count,
      media_length: each.deactivated_media_length,
    })),
  );
  const gone = {
    label: name("Deactivated, of all of these"),
    filter: { "users.who": "", "users.deactivated": "true" },
    users,
    usage,
  };
  return users > 0 ? [...rows, gone] : rows;
}

/**
 * @param {Row[]} rows
 * @param {Usage} whole
 * @param {import("./address.js").Address} address
 */
function table(rows, whole, address) {
  const number = (/** @type {string} */ text, title = "") =>
    el("td", { class: "number", title: title || undefined }, text);
  return el(
    "table",
    { class: "parts" },
    el("caption", { class: "unseen" }, "Who uploads"),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, "Registered by"),
        ...["Users", "Files", "Share", "Size"].map((head) =>
          el("th", { scope: "col", class: "number" }, head),
        ),
      ),
    ),
    el(
      "tbody",
      {},
      ...rows.map(({ label, filter, users, usage }) =>
        el(
          "tr",
          {},
          el(
            "th",
            { scope: "row" },
            viewLink(
              address,
              () => ({ ...filter, "users.from": "", at: "users" }),
              { class: "files-link" },
              {},
              label,
            ),
          ),
          number(count(users)),
          number(count(usage.media_count)),
          number(share(usage.media_length, whole.media_length)),
          number(bytes(usage.media_length), exactBytes(usage.media_length)),
        ),
      ),
    ),
  );
}
