// Signing in by OAuth 2.0, as the Matrix specification has it since 1.15: where Synapse
// leaves accounts to another service (Matrix Authentication Service).

import { ApiError, readJson, send } from "./http.js";
import { askMatrix } from "./matrix.js";
import { PAGE, leave } from "./redirect.js";

/**
 * @typedef {object} Metadata the issuer's metadata
 * @property {string} issuer
 * @property {string} authorization_endpoint
 * @property {string} token_endpoint
 * @property {string} registration_endpoint
 * @property {string} revocation_endpoint
 *
 * @typedef {object} Client
 * @property {string} client_id
 * @property {string} token_endpoint
 * @property {string} revocation_endpoint
 *
 * @typedef {object} Tokens
 * @property {string} access_token
 * @property {string} [refresh_token]
 */

/** @typedef {import("./redirect.js").Memory} Memory */

/**
 * @param {AbortSignal} signal
 * @returns {Promise<Metadata|null>} null if Synapse does not delegate
 */
export async function discover(signal) {
  try {
    const metadata = await askMatrix("GET", "v1/auth_metadata", { signal });
    // Another server's page, perhaps.
    return URL.canParse(metadata.issuer) ? metadata : null;
  } catch (error) {
    if (error instanceof ApiError) {
      return null;
    }
    throw error;
  }
}

/**
 * Goes to the issuer, where the person signs in.
 *
 * @param {Metadata} metadata
 */
export async function begin(metadata) {
  if (!isSecureContext) {
    throw new ApiError(0, { error: "Signing in there needs HTTPS, but this page was opened without it." });
  }
  const { client_id } = await register(metadata);
  const [state, verifier] = [random(32), random(48)];
  const url = new URL(metadata.authorization_endpoint);
  if (!["https:", "http:"].includes(url.protocol)) {
    throw new ApiError(0, { error: "The sign-in address of this server is not a web address." });
  }
  const query = {
    response_type: "code",
    response_mode: "fragment",
    client_id,
    redirect_uri: PAGE,
    scope: `urn:matrix:client:api:* urn:matrix:client:device:${random(8)} urn:synapse:admin:*`,
    state,
    code_challenge_method: "S256",
    code_challenge: await challengeOf(verifier),
  };
  for (const [name, value] of Object.entries(query)) {
    url.searchParams.set(name, value);
  }
  const { issuer, token_endpoint, revocation_endpoint } = metadata;
  leave(url, { how: "oauth", state, verifier, issuer, client_id, token_endpoint, revocation_endpoint });
}

/**
 * Gets the tokens, once the person is back.
 *
 * @param {Memory} memory
 * @param {URLSearchParams} answer
 * @returns {Promise<Tokens & Client>}
 */
export async function finish(memory, answer) {
  const { state, verifier, issuer, client_id, token_endpoint, revocation_endpoint } = memory;
  if (answer.get("state") !== state || (answer.get("iss") ?? issuer) !== issuer) {
    throw new ApiError(0, { error: "This answer belongs to another sign-in. Please sign in again." });
  }
  const code = answer.get("code");
  if (code === null) {
    throw new ApiError(0, { error: reasonOf(answer.get("error"), answer.get("error_description")) });
  }
  const tokens = await post(token_endpoint, {
    grant_type: "authorization_code",
    code,
    redirect_uri: PAGE,
    client_id,
    code_verifier: verifier,
  });
  return { ...(await readJson(tokens)), client_id, token_endpoint, revocation_endpoint };
}

/**
 * Gets another access token.
 *
 * @param {Client} client
 * @param {string} refreshToken
 * @returns {Promise<Tokens>}
 */
export async function refresh({ client_id, token_endpoint }, refreshToken) {
  const tokens = await post(token_endpoint, {
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    client_id,
  });
  return readJson(tokens);
}

/**
 * Makes a token invalid, and all that came with it.
 *
 * @param {Client} client
 * @param {string} token
 */
export async function revoke({ client_id, revocation_endpoint }, token) {
  await post(revocation_endpoint, { token, client_id }, { keepalive: true });
}

/**
 * @param {Metadata} metadata
 * @returns {Promise<{client_id: string}>}
 */
async function register({ registration_endpoint }) {
  const response = await send(new URL(registration_endpoint), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      client_name: "Media statistics",
      client_uri: PAGE,
      redirect_uris: [PAGE],
      application_type: "web",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    }),
  });
  return readJson(response);
}

/**
 * @param {string} endpoint
 * @param {Record<string, string>} form
 * @param {RequestInit} [options]
 */
function post(endpoint, form, options) {
  return send(new URL(endpoint), { ...options, method: "POST", body: new URLSearchParams(form) });
}

/**
 * @param {string|null} error
 * @param {string|null} description
 */
function reasonOf(error, description) {
  return error === "access_denied"
    ? "You were not signed in: this was refused or cancelled."
    : `You were not signed in: ${description ?? error}`;
}

/** @param {string} verifier */
async function challengeOf(verifier) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64(new Uint8Array(digest));
}

/** @param {number} length in bytes */
export function random(length) {
  return base64(crypto.getRandomValues(new Uint8Array(length)));
}

/** @param {Uint8Array} bytes */
function base64(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
