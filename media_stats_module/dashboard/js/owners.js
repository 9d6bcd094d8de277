// A table of the users or servers that media belong to.

import { downloads } from "./download.js";
import { el, find, fromTemplate } from "./dom.js";
import { bytes, count, exactBytes } from "./format.js";
import { DataTable } from "./table.js";

/**
 * @template Row
 * @typedef {object} Owners
 * @property {"users"|"servers"} endpoint
 * @property {string} title
 * @property {string} search what the search box says
 * @property {string[]} filters besides the search
 * @property {import("./table.js").Column<Row>[]} names the columns besides the numbers
 */

/**
 * @template {import("./format.js").Usage} Row
 * @param {HTMLElement} section to fill
 * @param {import("./api.js").Api} api
 * @param {import("./address.js").Address} address
 * @param {() => import("./range.js").Window} scope the time range
 * @param {Owners<Row>} owners
 * @returns {DataTable<Row>}
 */
export function ownersTable(section, api, address, scope, owners) {
  const { endpoint, title, search } = owners;
  section.append(fromTemplate("owners"));
  find(section, "h2").id = `${endpoint}-title`;
  find(section, "h2").textContent = title;
  find(section, ".search .unseen").textContent = search;
  find(section, ".search input").setAttribute("placeholder", `${search}…`);
  find(section, ".pages").setAttribute("aria-label", `Pages of ${endpoint}`);

  /** @type {DataTable<Row>} */
  const table = new DataTable(section, address, {
    name: title,
    prefix: `${endpoint}.`,
    order: "media_length",
    filters: owners.filters,
    what: `Adding up files by ${endpoint === "users" ? "user" : "server"}`,
    scope: () => ({ ...scope() }),
    size: (row) => row.media_length,
    columns: [
      ...owners.names,
      {
        order: "media_count",
        label: "Files",
        number: true,
        cell: (row) => el("span", {}, count(row.media_count)),
      },
      { order: "media_length", label: "Size", number: true, cell: sizeCell },
    ],
    load: async (query, asking) => {
      const answer = await api.get(endpoint, query, asking);
      return { rows: answer[endpoint], total: answer.total };
    },
  });
  find(section, ".csv").setAttribute("aria-label", `CSV of these ${endpoint}`);
  downloads(
    find(section, ".csv"),
    () => `${endpoint}.csv`,
    () => api.getCsv(endpoint, table.query),
  );
  return table;
}

/**
 * A size, and how it compares to the largest.
 *
 * @param {import("./format.js").Usage} row
 * @param {number|null} largest
 */
function sizeCell({ media_length: size }, largest) {
  const meter = el("span", { class: "meter", "aria-hidden": "true" });
  if (largest !== null) {
    const filled = el("span");
    filled.style.width = `${(100 * size) / Math.max(largest, 1)}%`;
    meter.append(filled);
  }
  return el(
    "span",
    { class: "size", title: exactBytes(size) },
    meter,
    el("span", { class: "amount" }, bytes(size)),
  );
}
