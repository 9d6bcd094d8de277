// One attempt to sign in: the button shows that it runs, the page why it failed.

import { enable, find } from "./dom.js";
import { ApiError } from "./http.js";

/**
 * @param {HTMLElement} button
 * @param {() => Promise<void>} work
 * @param {(error: ApiError) => string} reasonOf
 * @returns {Promise<boolean>} whether it has worked
 */
export async function attempt(button, work, reasonOf) {
  const page = /** @type {HTMLElement} */ (button.closest(".sign-in"));
  // One at a time: else the page would begin two sessions.
  if (page.querySelector('button[aria-disabled="true"]') !== null) {
    return false;
  }
  const label = [...button.childNodes];
  complain(page, "");
  enable(button, false);
  button.textContent = "Signing in…";
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof ApiError) {
      complain(page, reasonOf(error));
    } else {
      console.warn("Cannot sign in:", error);
      complain(page, "The page does not understand the server’s answer.");
    }
    return false;
  } finally {
    enable(button, true);
    button.replaceChildren(...label);
  }
}

/**
 * @param {HTMLElement} page
 * @param {string} text "" for no complaint
 */
export function complain(page, text) {
  const place = find(page, ".error");
  place.textContent = text;
  place.hidden = !text;
}
