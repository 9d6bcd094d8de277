// Signing in somewhere else: what this tab remembers while the person is there.

const KEY = "media_stats_redirect";

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
  const kept = { ...memory, fragment: location.hash };
  sessionStorage.setItem(KEY, JSON.stringify(kept));
  location.assign(url);
}

/**
 * What `leave` has remembered, once. Cleans the address of what others have put there.
 *
 * @returns {{memory: Memory, answer: URLSearchParams}|null} null if nobody comes back
 */
export function comeBack() {
  const kept = sessionStorage.getItem(KEY);
  if (kept === null) {
    return null;
  }
  sessionStorage.removeItem(KEY);
  /** @type {Memory} */
  const { fragment, ...memory } = JSON.parse(kept);
  const answers = [new URLSearchParams(location.search), new URLSearchParams(location.hash.slice(1))];
  const answer = answers.find(
    (each) => each.has("loginToken") || (each.has("state") && (each.has("code") || each.has("error"))),
  );
  if (answer === undefined) {
    // Back, without having signed in.
    return null;
  }
  history.replaceState(null, "", location.pathname + fragment);
  return { memory, answer };
}
