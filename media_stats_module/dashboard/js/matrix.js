// Asks Synapse's own client API, for signing in and out.

import { STATISTICS } from "./api.js";
import { readJson, send } from "./http.js";

// A proxy may serve Synapse below another path: the part before /_synapse.
const [PREFIX] = STATISTICS.pathname.split(/\/_synapse\/|\/[^/]*\/v1\/$/, 1);
const CLIENT = new URL(`${PREFIX}/_matrix/client/`, STATISTICS);

/**
 * Where a proxy serves Synapse's admin API, if it lets it through.
 */
export const ADMIN = new URL(`${PREFIX}/_synapse/admin/v1/`, STATISTICS);

/**
 * @param {string} path below /_matrix/client/, with the version
 * @returns {URL}
 */
export function clientUrl(path) {
  return new URL(path, CLIENT);
}

/**
 * @param {string} method
 * @param {string} path below /_matrix/client/, with the version
 * @param {{token?: string, body?: object, keepalive?: boolean, signal?: AbortSignal}} [options]
 * @returns {Promise<any>} the answer
 */
export async function askMatrix(method, path, { token, body, keepalive, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) {
    headers.Authorization = `Bearer ${token}`;
  }
  if (body) {
    headers["Content-Type"] = "application/json";
  }
  const response = await send(clientUrl(path), {
    method,
    headers,
    body: body && JSON.stringify(body),
    keepalive,
    signal,
  });
  return readJson(response);
}
