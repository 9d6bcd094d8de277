// Who has signed in: in the tab's session storage, and nowhere else.

import { assertAdmin } from "./api.js";
import { ApiError } from "./http.js";
import { askMatrix } from "./matrix.js";
import * as oauth from "./oauth.js";

const KEY = "media_stats";

/**
 * @typedef {object} Session
 * @property {string} token
 * @property {string} userId
 * @property {boolean} ours whether the page has got the token for itself, and has to end it
 * @property {import("./oauth.js").Client} [client] if it is an OAuth 2.0 token
 * @property {string} [refreshToken]
 */

/** @returns {Session|null} */
export function current() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/**
 * Throws an `ApiError` if the server refuses, as all below.
 *
 * @param {string} user
 * @param {string} password
 */
export async function signInWithPassword(user, password) {
  await logIn({ type: "m.login.password", identifier: { type: "m.id.user", user }, password });
}

/** @param {string} token */
export async function signInWithToken(token) {
  await begin({ token, ours: false });
}

/**
 * After having been somewhere else; see redirect.js.
 *
 * @param {import("./redirect.js").Memory} memory
 * @param {URLSearchParams} answer
 */
export async function signInWithAnswer(memory, answer) {
  if (memory.how === "sso") {
    await logIn({ type: "m.login.token", token: answer.get("loginToken") });
    return;
  }
  const { access_token, refresh_token, ...client } = await oauth.finish(memory, answer);
  const { client_id, token_endpoint, revocation_endpoint } = client;
  await begin({
    token: access_token,
    ours: true,
    client: { client_id, token_endpoint, revocation_endpoint },
    refreshToken: refresh_token,
  });
}

/** Forgets the token. One that this page has got for itself is also made invalid. */
export function end({ tokenIsGood = true } = {}) {
  const ended = current();
  sessionStorage.removeItem(KEY);
  if (ended?.ours && (tokenIsGood || ended.refreshToken)) {
    logOut(ended);
  }
}

/** @type {Promise<string|null>|null} */
let renewing = null;

/**
 * Gets another token for one that has expired.
 *
 * @returns {Promise<string|null>} null if there is none
 */
export function renew() {
  // Some requests find out at once. A refresh token is good for one use.
  renewing ??= refresh().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function refresh() {
  const session = current();
  if (!session?.client || !session.refreshToken) {
    return null;
  }
  try {
    const tokens = await oauth.refresh(session.client, session.refreshToken);
    keep({
      ...session,
      token: tokens.access_token,
      refreshToken: tokens.refresh_token ?? session.refreshToken,
    });
    return tokens.access_token;
  } catch (error) {
    // Refused: 400 (RFC 6749). If there was no answer, there may be one later.
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
      return null;
    }
    throw error;
  }
}

/**
 * Why the server did not let somebody in, or no longer does, in words.
 *
 * @param {ApiError} error
 */
export function reasonOf(error) {
  if (error.status === 403 && error.errcode === "M_FORBIDDEN") {
    return "This account is not an administrator of this server, so it cannot see its statistics.";
  }
  if (error.status === 401 && error.errcode !== undefined) {
    return "The server no longer accepts this sign-in. Please sign in again.";
  }
  return error.message;
}

/** @param {object} login */
async function logIn(login) {
  const answer = await askMatrix("POST", "v3/login", {
    body: { ...login, initial_device_display_name: "Media statistics" },
  });
  await begin({ token: answer.access_token, ours: true });
}

/** @param {Omit<Session, "userId">} session */
async function begin(session) {
  try {
    const { token } = session;
    const { user_id: userId } = await askMatrix("GET", "v3/account/whoami", { token });
    await assertAdmin(token);
    keep({ ...session, userId });
  } catch (error) {
    if (session.ours) {
      logOut(session);
    }
    throw error;
  }
}

/** @param {Session} session */
function keep(session) {
  sessionStorage.setItem(KEY, JSON.stringify(session));
}

/** @param {Omit<Session, "userId">} session */
function logOut({ token, client, refreshToken }) {
  const ended = client
    ? [refreshToken ?? token, token].map((each) => oauth.revoke(client, each))
    : [askMatrix("POST", "v3/logout", { token, body: {}, keepalive: true })];
  // It may have ended already, and nobody waits for the answer.
  Promise.allSettled(ended);
}
