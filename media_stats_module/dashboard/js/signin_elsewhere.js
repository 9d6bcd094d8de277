// Buttons for single sign-on and OAuth 2.0, on other sites.

import { el } from "./dom.js";
import { clientUrl } from "./matrix.js";
import { name } from "./names.js";
import { begin } from "./oauth.js";
import { PAGE, leave } from "./redirect.js";
import { reasonOf } from "./session.js";
import { attempt } from "./signin_attempt.js";

/**
 * @param {import("./signin_ways.js").Ways} ways
 * @returns {HTMLElement[]}
 */
export function buttonsToElsewhere({ oauth, providers }) {
  return oauth !== null
    ? [continueWith(new URL(oauth.issuer).host, () => begin(oauth))]
    : providers.map(({ id, name: label }) => continueWith(label, () => goTo(id)));
}

/**
 * @param {string} label
 * @param {() => Promise<void>} work
 */
function continueWith(label, work) {
  const button = el(
    "button",
    { type: "button", class: "primary", onclick: () => attempt(button, work, reasonOf) },
    "Continue with ",
    name(label),
  );
  return button;
}

/** @param {string} provider "" if there is only one */
async function goTo(provider) {
  const id = provider && `/${encodeURIComponent(provider)}`;
  const url = clientUrl(`v3/login/sso/redirect${id}`);
  url.searchParams.set("redirectUrl", PAGE);
  leave(url, { how: "sso" });
}
