// Who has signed in: in the tab's session storage, and nowhere else.

import { assertAdmin } from "./api.js";
import { ApiError } from "./http.js";
import { askMatrix } from "./matrix.js";

const KEY = "media_stats";
export const DEVICE_NAME = "Media statistics";

/**
 * @typedef {object} Session
 * @property {string} token
 * @property {string} userId
 * @property {boolean} ours whether the page has made the token, and has to end it
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
  await logIn({
    type: "m.login.password",
    identifier: { type: "m.id.user", user },
    password,
  });
}

/** @param {string} token */
export async function signInWithToken(token) {
  const { user_id: userId } = await askMatrix("GET", "v3/account/whoami", { token });
  await begin({ token, userId, ours: false });
}

/** Forgets the token. One that this page has made is also made invalid. */
export function end({ tokenIsGood = true } = {}) {
  const ended = current();
  sessionStorage.removeItem(KEY);
  if (ended?.ours && tokenIsGood) {
    logOut(ended.token);
  }
}

/**
 * Gets another token for one that has expired.
 *
 * @param {string} _token
 * @returns {Promise<string|null>} null if there is none
 */
export async function renew(_token) {
  return null;
}

/**
 * Why the server did not let somebody in, or no longer does, in words.
 *
 * @param {ApiError} error
 */
export function reasonOf(error) {
  if (error.status === 403 && error.errcode !== "M_USER_DEACTIVATED") {
    return "This account is not an administrator of this server, so it cannot see its statistics.";
  }
  if (error.status === 401) {
    return "The server no longer accepts this sign-in. Please sign in again.";
  }
  return error.message;
}

/** @param {object} login */
async function logIn(login) {
  const answer = await askMatrix("POST", "v3/login", {
    body: { ...login, initial_device_display_name: DEVICE_NAME },
  });
  const token = answer.access_token;
  try {
    await begin({ token, userId: answer.user_id, ours: true });
  } catch (error) {
    logOut(token);
    throw error;
  }
}

/** @param {Session} session */
async function begin(session) {
  await assertAdmin(session.token);
  sessionStorage.setItem(KEY, JSON.stringify(session));
}

/** @param {string} token */
function logOut(token) {
  // It may have ended already, and nobody waits for the answer.
  askMatrix("POST", "v3/logout", { token, body: {}, keepalive: true }).catch(() => {});
}
