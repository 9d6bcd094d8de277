// Signing in somewhere else: what this tab remembers while the person is there.

import { ApiError } from "./http.js";
import { forget, keep, recall } from "./tab.js";

const KEY = "media_stats_redirect";

// Whoever comes back later has to begin anew.
const LONGEST_MS = 60 * 60 * 1000;

/** The address of this page without query and fragment, to come back to. */
export const PAGE = new URL("../", import.meta.url).href;

/** @typedef {Record<string, string>} Memory what is needed on the way back */

/**
 * Leaves this page.
 *
 * @param {URL} url
 * @param {Memory} memory
 */
export function leave(url, memory) {
  const kept = { ...memory, fragment: location.hash, left: String(Date.now()) };
  if (!keep(KEY, JSON.stringify(kept))) {
    forget(KEY);
    throw new ApiError(0, {
      error:
        "Signing in there needs this browser to keep data for this page, which it does not. " +
        "Allow that, or sign in with an access token.",
    });
  }
  location.assign(url);
}

/**
 * What has come back with the person, once. Cleans the address of it.
 *
 * @returns {{memory: Memory|null, answer: URLSearchParams}|null} null if nobody comes
 *   back; `memory` is null if the answer is not to this tab, or comes again
 */
export function comeBack() {
  const answers = [new URLSearchParams(location.search), new URLSearchParams(location.hash.slice(1))];
  const answer = answers.find(
    (each) => each.has("loginToken") || (each.has("state") && (each.has("code") || each.has("error"))),
  );
  if (answer === undefined) {
    // Nobody, or somebody who went back and may go forward again.
    return null;
  }
  const memory = takeMemory();
  history.replaceState(null, "", location.pathname + (memory?.fragment ?? ""));
  return { memory, answer };
}

/** Nobody who is signed in comes back. */
export function stayHere() {
  forget(KEY);
}

/** @returns {Memory|null} */
function takeMemory() {
  /** @type {Memory|null} */
  let memory = null;
  try {
    memory = JSON.parse(recall(KEY) ?? "null");
  } catch {
    // It is not ours.
  }
  forget(KEY);
  return memory !== null && Date.now() - Number(memory.left) < LONGEST_MS ? memory : null;
}
