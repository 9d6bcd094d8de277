// A table of the users or servers that media belong to.

import { downloads } from "./download.js";
import { el, find, fromTemplate } from "./dom.js";
import { filesWith } from "./files_filters.js";
import { bytes, count, exactBytes, files, share } from "./format.js";
import { viewLink } from "./link.js";
import { plainName } from "./names.js";
import { DataTable } from "./table.js";

/** @typedef {import("./format.js").Usage} Usage */

/**
 * @template Row
 * @typedef {object} Owners
 * @property {"users"|"servers"} endpoint
 * @property {(row: Row) => string} id of a user or server
 * @property {string} title
 * @property {string} search the label of the search box
 * @property {string[]} filters besides the search
 * @property {import("./table.js").Column<Row>[]} names the columns besides the numbers
 * @property {() => Usage|null} whole all files in the time range, if that is known
 * @property {string} wholeName the name of `whole`
 */

/**
 * @template {Usage} Row
 * @param {HTMLElement} section to fill
 * @param {import("./api.js").Api} api
 * @param {import("./address.js").Address} address
 * @param {() => import("./range.js").Window} scope the time range
 * @param {Owners<Row>} owners
 * @returns {DataTable<Row>}
 */
export function ownersTable(section, api, address, scope, owners) {
  const { endpoint, id, title, whole, wholeName } = owners;
  const source = endpoint === "users" ? "local" : "remote";
  section.append(fromTemplate("owners"));
  nameControls(section, owners);

  /** @type {DataTable<Row>} */
  const table = new DataTable(section, address, {
    name: title,
    prefix: `${endpoint}.`,
    order: "media_length",
    filters: owners.filters,
    what: `Adding up files by ${endpoint === "users" ? "user" : "server"}`,
    scope: () => ({ ...scope() }),
    columns: [
      ...owners.names,
      {
        order: "media_count",
        label: "Files",
        number: true,
        cell: (row) =>
          viewLink(
            address,
            () => filesWith({ source, owner: id(row) }),
            { class: "files-link", "aria-label": `${files(row.media_count)} of ${plainName(id(row))}` },
            {},
            count(row.media_count),
          ),
      },
      {
        order: "media_length",
        label: "Size",
        number: true,
        cell: (row) => sizeCell(row, whole(), wholeName),
      },
    ],
    load: async (query, asking) => {
      const answer = await api.get(endpoint, query, asking);
      return { rows: [...answer[endpoint]], total: answer.total };
    },
  });
  downloads(
    find(section, ".csv"),
    () => `${endpoint}.csv`,
    () => api.getCsv(endpoint, table.query),
  );
  return table;
}

/**
 * Both tables have the same controls.
 *
 * @param {HTMLElement} section
 * @param {Pick<Owners<any>, "endpoint"|"title"|"search">} owners
 */
function nameControls(section, { endpoint, title, search }) {
  find(section, "h2").id = `${endpoint}-title`;
  find(section, "h2").textContent = title;
  find(section, ".search .unseen").textContent = search;
  find(section, ".search input").setAttribute("placeholder", `${search}…`);
  find(section, ".csv").setAttribute("aria-label", `CSV of these ${endpoint}`);
  find(section, ".pages").setAttribute("aria-label", `Pages of ${endpoint}`);
  find(section, ".rows-of").textContent = ` of ${endpoint}`;
  for (const button of section.querySelectorAll(".pages button")) {
    button.setAttribute("aria-label", `${button.getAttribute("aria-label")} of ${endpoint}`);
  }
}

/**
 * A size, and its share of all.
 *
 * @param {Usage} row
 * @param {Usage|null} whole
 * @param {string} wholeName
 */
function sizeCell({ media_length: size }, whole, wholeName) {
  const amount = el("span", { class: "amount", title: exactBytes(size) }, bytes(size));
  // Two answers: a file may have been uploaded between them.
  if (whole === null || whole.media_length < size || size === 0) {
    return el("span", { class: "size" }, amount);
  }
  const filled = el("span");
  filled.style.width = `${(100 * size) / whole.media_length}%`;
  const part = share(size, whole.media_length);
  return el(
    "span",
    { class: "size" },
    el("span", { class: "meter", "aria-hidden": "true" }, filled),
    el("span", { class: "share quiet", title: `${part} of ${wholeName} in this time range` }, part),
    amount,
  );
}
