// Who uploads: people, each bridge, accounts that are gone.

import { el, find } from "./dom.js";
import { figures } from "./figures.js";
import { filesWith } from "./files_filters.js";
import { count, files, share, sum } from "./format.js";
import { viewLink } from "./link.js";
import { name } from "./names.js";
import { Panel } from "./panel.js";
import { DEACTIVATED, PEOPLE, WITHOUT_ACCOUNT, ofBridge, whoInWords } from "./who.js";

/** @typedef {import("./format.js").Usage} Usage */

const ROWS = 100;

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
 * @property {string} who the filter of the files
 * @property {import("./address.js").Changes} filter of the users' table
 * @property {number} users
 * @property {Usage} usage
 */

/**
 * @param {HTMLElement} section is hidden where people alone upload
 * @param {import("./api.js").Api} api
 * @param {import("./address.js").Address} address
 * @param {() => import("./range.js").Window} scope the time range
 */
export function appservicesPanel(section, api, address, scope) {
  return new Panel(section, {
    what: "Adding up files by who registered the users",
    query: () => ({ ...scope(), limit: ROWS }),
    load: (query, asking) => api.get("appservices", query, asking),
    show: ({ appservices, total }) => {
      const rows = rowsOf(appservices);
      section.hidden = rows.length < 2;
      find(section, ".content").replaceChildren(
        table(rows, sum(...appservices), address),
        ...(total > ROWS ? [el("p", { class: "quiet small" }, `The ${ROWS} largest of ${count(total)}.`)] : []),
      );
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
    const who = id !== null ? ofBridge(id) : has_account ? PEOPLE : WITHOUT_ACCOUNT;
    return {
      who,
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
    who: DEACTIVATED,
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
  return figures(
    "Who uploads",
    ["Registered by", "Users", "Files", "Share", "Size"],
    rows.map(({ who, label, filter, users, usage }) => [
      viewLink(
        address,
        () => filesWith({ who, without_owner: "false" }),
        { class: "files-link" },
        {},
        label,
      ),
      viewLink(
        address,
        () => ({ ...filter, "users.from": "", at: "users" }),
        { class: "files-link", "aria-label": `${files(users, "user")}: ${label.textContent}` },
        {},
        count(users),
      ),
      count(usage.media_count),
      share(usage.media_length, whole.media_length),
      usage.media_length,
    ]),
  );
}
