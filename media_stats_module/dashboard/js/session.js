// Who has signed in. The tab keeps it; a duplicate of the tab has the same session.

import { assertAdmin } from "./api.js";
import { ApiError } from "./http.js";
import { askMatrix } from "./matrix.js";
import * as oauth from "./oauth.js";
import { oneTabAtATime, onMessage, tellOtherTabs } from "./other_tabs.js";
import { forget, keep as keepInTab, recall } from "./tab.js";

const KEY = "media_stats";

// The wait for the answer of another tab, in ms.
const OTHER_TABS_MS = 200;

/**
 * @typedef {object} Session
 * @property {string} id the same in all tabs that have it
 * @property {string} token
 * @property {string} userId
 * @property {boolean} ours whether the page itself got the token, and must revoke it
 * @property {import("./oauth.js").Client} [client] if it is an OAuth 2.0 token
 * @property {string} [refreshToken]
 * @property {number} renewals how often the tokens were replaced
 *
 * @typedef {Omit<Session, "id"|"userId"|"renewals">} NewSession
 */

/** @returns {Session|null} */
export function current() {
  try {
    const kept = JSON.parse(recall(KEY) ?? "null");
    return kept?.id && kept.token && kept.userId ? kept : null;
  } catch {
    return null;
  }
}

/**
 * Like all functions below, throws an `ApiError` if the server refuses.
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
 * Signs in after coming back from another site; see redirect.js.
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

/**
 * Forgets the token. If it is good, forgets it in all tabs that have it, and revokes it if
 * this page itself got it. If it is not, another tab may have got good ones since.
 */
export function end({ tokenIsGood = true } = {}) {
  const ended = current();
  forget(KEY);
  if (ended === null || !tokenIsGood) {
    return;
  }
  tellOtherTabs({ ended: ended.id });
  if (ended.ours) {
    logOut(ended);
  }
}

/** @type {() => void} */
let onEnded = () => {};

/** @param {() => void} listener called when the session has ended in another tab */
export function onEndedElsewhere(listener) {
  onEnded = listener;
}

/** @type {Promise<string|null>|null} */
let renewing = null;

/**
 * Gets another token for one that has expired.
 *
 * @param {string} expired
 * @returns {Promise<string|null>} null if there is none
 */
export function renew(expired) {
  // Several requests can fail at once, but a refresh token is good for one use.
  renewing ??= refresh(expired).finally(() => {
    renewing = null;
  });
  return renewing;
}

/** @param {string} expired */
async function refresh(expired) {
  const known = current();
  if (!known?.client || !known.refreshToken) {
    return null;
  }
  // Another tab with the same session may renew at the same time.
  return oneTabAtATime(async () => {
    await askOtherTabs(known);
    const session = current();
    if (session?.id !== known.id) {
      return null;
    }
    return session.token === expired ? refreshTokens(session) : session.token;
  });
}

/**
 * @param {Session} session
 * @returns {Promise<string|null>}
 */
async function refreshTokens(session) {
  const client = /** @type {import("./oauth.js").Client} */ (session.client);
  const refreshToken = /** @type {string} */ (session.refreshToken);
  let tokens;
  try {
    tokens = await oauth.refresh(client, refreshToken);
  } catch (error) {
    // 400 is a refusal (RFC 6749). Without an answer, try again later.
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
      return null;
    }
    throw error;
  }
  const renewed = {
    ...session,
    token: tokens.access_token,
    refreshToken: tokens.refresh_token ?? refreshToken,
    renewals: session.renewals + 1,
  };
  if (current()?.id !== session.id) {
    // The person has signed out meanwhile.
    logOut(renewed);
    return null;
  }
  keep(renewed);
  // Before the next tab's turn: its question can be answered late.
  tellOtherTabs({ session: renewed });
  return renewed.token;
}

/**
 * A message between tabs.
 *
 * @typedef {object} Message
 * @property {string} [ended] the ID of a session
 * @property {string} [asked] the ID of a session whose tokens another tab may have renewed
 * @property {number} [renewals]
 * @property {Session} [session] the answer
 */

onMessage((/** @type {Message} */ { ended, asked, renewals = 0, session }) => {
  const own = current();
  if (own === null) {
    return;
  }
  if (ended === own.id) {
    forget(KEY);
    onEnded();
  } else if (asked === own.id && own.renewals > renewals) {
    tellOtherTabs({ session: own });
  } else if (session?.id === own.id && session.renewals > own.renewals) {
    keep(session);
  }
});

/** @param {Session} session */
async function askOtherTabs({ id, renewals }) {
  tellOtherTabs({ asked: id, renewals });
  await new Promise((resolve) => setTimeout(resolve, OTHER_TABS_MS));
}

/**
 * The reason why the server does not accept the person, in words.
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

/** @param {NewSession} session */
async function begin(session) {
  try {
    const { token } = session;
    const { user_id: userId } = await askMatrix("GET", "v3/account/whoami", { token });
    if (typeof userId !== "string") {
      throw new ApiError(0, { error: "The server does not say whose access token this is." });
    }
    await assertAdmin(token);
    keep({ ...session, userId, id: oauth.random(12), renewals: 0 });
  } catch (error) {
    if (session.ours) {
      logOut(session);
    }
    throw error;
  }
}

/** @param {Session} session */
function keep(session) {
  keepInTab(KEY, JSON.stringify(session));
}

/** @param {NewSession} session */
function logOut({ token, client, refreshToken }) {
  const ended = client
    ? [refreshToken ?? token, token].map((each) => oauth.revoke(client, each))
    : [askMatrix("POST", "v3/logout", { token, body: {}, keepalive: true })];
  // Ignores errors: the token may be invalid already.
  Promise.allSettled(ended);
}
