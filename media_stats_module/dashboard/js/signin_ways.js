// The ways to sign in that the server offers.

import { ApiError } from "./http.js";
import { askMatrix } from "./matrix.js";
import { discover } from "./oauth.js";

/**
 * @typedef {object} Provider who signs people in for Synapse (single sign-on)
 * @property {string} id "" if there is only one
 * @property {string} name
 *
 * @typedef {object} Ways besides access tokens, which always work
 * @property {import("./oauth.js").Metadata|null} oauth
 * @property {Provider[]} providers
 * @property {boolean} password
 *
 * @typedef {object} Flow as Synapse puts a way to sign in
 * @property {string} type
 * @property {Provider[]} [identity_providers]
 */

// A server that does not answer must not keep the person from the form.
const PATIENCE_MS = 10_000;

/** @returns {Promise<Ways>} */
export async function findWays() {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const [oauth, flows] = await Promise.all([discover(signal), loginFlows(signal)]);
  return {
    oauth,
    // With delegated authentication, the issuer signs in everybody.
    providers: oauth === null ? providersOf(flows) : [],
    password: flows.some(({ type }) => type === "m.login.password"),
  };
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<Flow[]>}
 */
async function loginFlows(signal) {
  try {
    const { flows } = await askMatrix("GET", "v3/login", { signal });
    if (Array.isArray(flows)) {
      return flows;
    }
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      // Another service signs people in.
      return [];
    }
  }
  // Without an answer, offer passwords: they may work.
  return [{ type: "m.login.password" }];
}

/** @param {Flow[]} flows */
function providersOf(flows) {
  const flow = flows.find(({ type }) => type === "m.login.sso");
  if (flow === undefined) {
    return [];
  }
  const named = flow.identity_providers ?? [];
  return named.length > 0 ? named : [{ id: "", name: "single sign-on" }];
}
