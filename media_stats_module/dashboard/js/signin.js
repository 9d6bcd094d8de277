// Signs a person in, in the ways that the server offers.

import { find, fromTemplate, showPage } from "./dom.js";
import { complain } from "./signin_attempt.js";
import { buttonsToElsewhere } from "./signin_elsewhere.js";
import { Forms } from "./signin_forms.js";
import { findWays } from "./signin_ways.js";

/**
 * @param {{onSignedIn: () => void, message?: string}} options the message says why
 *   the person must sign in again
 */
export async function showSignIn({ onSignedIn, message = "" }) {
  showPage(fromTemplate("sign-in"));
  document.title = "Sign in – Media statistics";
  const page = find(document, ".sign-in");
  const forms = new Forms(page, onSignedIn);
  complain(page, message);
  const ways = await findWays();
  if (!page.isConnected) {
    return;
  }
  const elsewhere = find(page, ".elsewhere");
  const buttons = buttonsToElsewhere(ways);
  elsewhere.append(...buttons);
  elsewhere.hidden = buttons.length === 0;
  find(page, ".or").hidden = elsewhere.hidden;
  forms.offer({ password: ways.password });
  find(page, ".finding").remove();
  find(page, ".ways").hidden = false;
  if (buttons.length > 0) {
    buttons[0].focus();
  } else {
    forms.focus();
  }
}
