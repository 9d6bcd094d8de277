// The tables of those that media belong to: local users and other servers.

import { downloads } from "./download.js";
import { el, fromTemplate } from "./dom.js";
import { bytes, count, exactBytes } from "./format.js";
import { DataTable } from "./table.js";

/** What differs between the two. */
const KINDS = {
  users: {
    name: "Users",
    search: "Search for users",
    names: [
      { order: "user_id", label: "User" },
      { order: "displayname", label: "Name" },
    ],
    idOf: (row) => row.user_id,
    // They are all of this server, whose name would fill the column.
    shortIdOf: (row) => row.user_id.split(":", 1)[0],
    scopeOf: (row) => ({ source: "local", user: row.user_id }),
  },
  servers: {
    name: "Servers",
    search: "Search for servers",
    names: [{ order: "server_name", label: "Server" }],
    idOf: (row) => row.server_name,
    shortIdOf: (row) => row.server_name,
    scopeOf: (row) => ({ source: "remote", server_name: row.server_name }),
  },
};

/**
 * @typedef {object} Owner whose media are looked at
 * @property {string} id
 * @property {string|null} name what people call it
 * @property {object} scope what to ask the server with
 */

/**
 * @param {HTMLElement} section to fill
 * @param {"users"|"servers"} endpoint
 * @param {import("./api.js").Api} api
 * @param {() => object} scope the time range
 * @param {(owner: Owner) => void} onOpen
 * @returns {DataTable}
 */
export function ownersTable(section, endpoint, api, scope, onOpen) {
  const kind = KINDS[endpoint];
  section.append(fromTemplate("owners"));
  const find = (selector) => section.querySelector(selector);
  find("h2").id = `${endpoint}-title`;
  find("h2").textContent = kind.name;
  find(".search .unseen").textContent = kind.search;
  find(".search input").placeholder = `${kind.search}…`;
  find(".pages").setAttribute("aria-label", `Pages of ${kind.name.toLowerCase()}`);

  const opener = (row) =>
    el(
      "button",
      {
        type: "button",
        class: "open",
        title: kind.idOf(row),
        "aria-haspopup": "dialog",
        onclick: () =>
          onOpen({
            id: kind.idOf(row),
            name: row.displayname ?? null,
            scope: kind.scopeOf(row),
          }),
      },
      el("bdi", {}, kind.shortIdOf(row)),
    );
  const table = new DataTable(section, {
    name: kind.name,
    order: "media_length",
    columns: [
      ...kind.names.map(({ order, label }, index) => ({
        order,
        label,
        number: false,
        cell: (row) => (index === 0 ? opener(row) : named(row[order])),
      })),
      {
        order: "media_count",
        label: "Files",
        number: true,
        cell: (row) => el("span", {}, count(row.media_count)),
      },
      { order: "media_length", label: "Size", number: true, cell: size },
    ],
    load: async (query, signal) => {
      const answer = await api.get(endpoint, { ...scope(), ...query }, signal);
      return { rows: answer[endpoint], total: answer.total };
    },
  });

  if (endpoint === "users") {
    find(".active").hidden = false;
    find(".active select").addEventListener("change", (event) =>
      table.filter("deactivated", event.target.value),
    );
  }
  find(".csv").setAttribute("aria-label", `CSV of these ${kind.name.toLowerCase()}`);
  downloads(find(".csv"), `${endpoint}.csv`, () =>
    api.getCsv(endpoint, { ...scope(), ...table.query }),
  );
  return table;
}

function named(name) {
  return name === null ? el("span", { class: "quiet" }, "–") : el("bdi", {}, name);
}

/** A size, and how it compares to the others on the page. */
function size(row, rows) {
  const most = Math.max(...rows.map((other) => other.media_length), 1);
  const meter = el("span", { class: "meter", "aria-hidden": "true" }, el("span"));
  meter.firstChild.style.width = `${(100 * row.media_length) / most}%`;
  return el(
    "span",
    { class: "size", title: exactBytes(row.media_length) },
    meter,
    el("span", { class: "amount" }, bytes(row.media_length)),
  );
}
