// Who has signed in: in the tab's session storage, and nowhere else.

import { askMatrix, assertAdmin } from "./api.js";

const KEY = "media_stats";

/** @returns {{token: string, userId: string, ours: boolean} | null} */
export function current() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

/** Whether Synapse signs people in by password itself; if in doubt, it does. */
export async function acceptsPasswords() {
  try {
    const { flows } = await askMatrix("GET", "login");
    return flows.some((flow) => flow.type === "m.login.password");
  } catch {
    return true;
  }
}

/** Throws an `ApiError` if the server refuses, as all below. */
export async function signInWithPassword(user, password) {
  const login = await askMatrix("POST", "login", {
    body: {
      type: "m.login.password",
      identifier: { type: "m.id.user", user },
      password,
      initial_device_display_name: "Media statistics",
    },
  });
  try {
    await begin(login.access_token, login.user_id, true);
  } catch (error) {
    logOut(login.access_token);
    throw error;
  }
}

export async function signInWithToken(token) {
  const { user_id: userId } = await askMatrix("GET", "account/whoami", { token });
  await begin(token, userId, false);
}

/** Forgets the token. One that this page was given is also made invalid. */
export function end({ tokenIsGood }) {
  const ended = current();
  sessionStorage.removeItem(KEY);
  if (ended?.ours && tokenIsGood) {
    logOut(ended.token);
  }
}

/** Why the server did not let somebody in, or no longer does, in words. */
export function reasonOf(error) {
  if (error.status === 403 && error.errcode !== "M_USER_DEACTIVATED") {
    return "This account is not an administrator of this server, so it cannot see its statistics.";
  }
  if (error.status === 401) {
    return "The server no longer accepts this sign-in. Please sign in again.";
  }
  return error.message;
}

async function begin(token, userId, ours) {
  await assertAdmin(token);
  sessionStorage.setItem(KEY, JSON.stringify({ token, userId, ours }));
}

function logOut(token) {
  // It may have ended already, and nobody waits for the answer.
  askMatrix("POST", "logout", { token, body: {}, keepalive: true }).catch(() => {});
}
