// The servers that cached remote media came from.

import { ownersTable } from "./owners.js";

/**
 * @typedef {object} Server
 * @property {string} server_name
 *
 * @typedef {import("./format.js").Usage & Server} ServerUsage
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
export function serversTable(section, api, address, scope, whole, openers) {
  return ownersTable(section, api, address, scope, {
    endpoint: "servers",
    id: (server) => server.server_name,
    title: "Servers",
    search: "Search for servers",
    filters: [],
    whole: () => whole("remote"),
    wholeName: "all remote files",
    names: [
      {
        order: "server_name",
        label: "Server",
        number: false,
        cell: (/** @type {ServerUsage} */ server) => openers.server(server.server_name),
      },
    ],
  });
}
