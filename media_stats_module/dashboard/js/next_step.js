// In the dialog of a user or server: the ways to delete all of its files.

import { command } from "./copy.js";
import { usersMedia } from "./deletions.js";
import { el, find } from "./dom.js";
import { bytes, files, sum } from "./format.js";
import { viewLink } from "./link.js";
import { name } from "./names.js";
import { Panel } from "./panel.js";

/**
 * Synapse's own deletion of all of a user's files. Its rule is another than that by age.
 *
 * @param {HTMLElement} section
 * @param {import("./api.js").Api} api
 * @param {string} user the user ID
 * @param {HTMLElement} account shows the state of the account
 */
export function userDeletion(section, api, user, account) {
  find(section, "h3").textContent = "Delete all files of this user";
  return new Panel(section, {
    what: "Adding up this user’s files",
    query: () => ({ user }),
    load: (query, asking) => api.get("summary", query, asking),
    show: ({ local, account: known }) => {
      account.replaceChildren(...accountMarks(known));
      const { media_count: number, media_length: size } = sum(local.uploads, local.url_previews);
      const limit = number + local.pending.media_count;
      find(section, ".content").replaceChildren(
        ...(limit === 0
          ? [el("p", { class: "empty" }, "This user has no files.")]
          : !known.has_account
          ? [el("p", {}, "Synapse deletes by user only where there is an account, and here is none.")]
          : [
              el("p", {}, `Now ${files(number)} (${bytes(size)}), of all time.`),
              el(
                "p",
                { class: "quiet small" },
                "They are gone for ever, and none stays: avatars, quarantined and protected files go, " +
                  "too. For the oldest only, add ",
                el("code", {}, "&order_by=created_ts&dir=f"),
                " and say with ",
                el("code", {}, "limit"),
                " how many.",
              ),
              command(usersMedia(user, limit), "deletes all files of this user"),
              ...previewsText(local.url_previews),
            ]),
      );
    },
  });
}

/**
 * @typedef {object} Account
 * @property {boolean} has_account
 * @property {string|null} appservice_id
 * @property {boolean} deactivated
 * @property {boolean} erased
 */

/** @param {Account} account */
function accountMarks({ has_account, appservice_id: id, deactivated, erased }) {
  const marks = [
    !has_account && "no account",
    id !== null && `of the application service ${id}`,
    // An erased account is deactivated, too.
    erased ? "erased" : deactivated && "deactivated",
  ];
  return marks
    .filter((mark) => typeof mark === "string")
    .map((mark) => el("span", { class: "mark" }, name(mark)));
}

/** @param {import("./format.js").Usage} previews */
function previewsText({ media_count: number, media_length: size }) {
  return number === 0
    ? []
    : [
        el(
          "p",
          { class: "small" },
          `Synapse removes ${files(number, "URL preview")} among them from its database only, ` +
            `and leaves ${bytes(size)} of them on the disk.`,
        ),
      ];
}

/**
 * Synapse has no deletion for one server.
 *
 * @param {HTMLElement} section
 * @param {import("./address.js").Address} address
 * @param {string} server
 */
export function showServersChoices(section, address, server) {
  find(section, "h3").textContent = "What can be done";
  const all = viewLink(
    address,
    () => ({ server_name: "", order: "", "owner.reclaimable": "", reclaimable: "90", at: "reclaimable" }),
    {},
    {},
    "of all servers, by age",
  );
  const content = find(section, ".content");
  content.classList.add("loaded");
  content.replaceChildren(
    el("p", {}, "Synapse cannot delete the files of one server. It can"),
    el(
      "ul",
      { class: "list" },
      el("li", {}, "delete remote files ", all, "; it fetches them again when somebody opens them,"),
      el("li", {}, "do so by itself, with ", el("code", {}, "media_retention"), " in homeserver.yaml,"),
      el(
        "li",
        {},
        "fetch no more from this server, with ",
        el("code", {}, `prevent_media_downloads_from: [${JSON.stringify(server)}]`),
        " in homeserver.yaml (Synapse 1.84 and later).",
      ),
    ),
  );
}
