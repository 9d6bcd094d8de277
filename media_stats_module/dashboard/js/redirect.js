// Signing in on another site: the data that this tab keeps meanwhile.

import { ApiError } from "./http.js";
import { forget, keep, recall } from "./tab.js";

const KEY = "media_stats_redirect";

// A person who comes back later must begin again.
const LONGEST_MS = 60 * 60 * 1000;

/** The address of this page without query and fragment, to come back to. */
export const PAGE = new URL("../", import.meta.url).href;

/** @typedef {Record<string, string>} Memory the data for the way back */

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
 * The answer of the other site, once. Removes it from the address.
 *
 * @returns {{memory: Memory|null, answer: URLSearchParams}|null} null if there is none;
 *   `memory` is null if the answer is not for this tab, or comes again
 */
export function comeBack() {
  const answers = [new URLSearchParams(location.search), new URLSearchParams(location.hash.slice(1))];
  const answer = answers.find(
    (each) => each.has("loginToken") || (each.has("state") && (each.has("code") || each.has("error"))),
  );
  if (answer === undefined) {
    // No answer; or the person went back, and may go forward again.
    return null;
  }
  const memory = takeMemory();
  history.replaceState(null, "", location.pathname + (memory?.fragment ?? ""));
  return { memory, answer };
}

/** Forgets the data: a person who is signed in does not come back. */
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
    // Not written by this page.
  }
  forget(KEY);
  return memory !== null && Date.now() - Number(memory.left) < LONGEST_MS ? memory : null;
}
