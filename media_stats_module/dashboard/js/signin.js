// Asks who somebody is, in the ways that the server offers.

import { el, enable, find, fromTemplate, isEnabled, showPage } from "./dom.js";
import { files } from "./format.js";
import { ApiError } from "./http.js";
import { askMatrix, clientUrl } from "./matrix.js";
import { name } from "./names.js";
import * as oauth from "./oauth.js";
import { PAGE, leave } from "./redirect.js";
import * as session from "./session.js";

/** @typedef {"password"|"token"} Way */

/**
 * @typedef {object} Flow a way to sign in, as Synapse offers it
 * @property {string} type
 * @property {{id: string, name: string}[]} [identity_providers]
 */

/**
 * @param {{onSignedIn: () => void, message?: string}} options the message says why
 *   somebody is asked again
 */
export async function showSignIn({ onSignedIn, message = "" }) {
  showPage(fromTemplate("sign-in"));
  document.title = "Sign in – Media statistics";
  const page = find(document, ".sign-in");
  const error = find(page, ".error");
  const choice = find(page, ".choice");
  /** @type {Record<Way, HTMLFormElement>} */
  const forms = { password: find(page, ".by-password"), token: find(page, ".by-token") };

  const complain = (/** @type {string} */ text) => {
    error.textContent = text;
    error.hidden = !text;
  };
  const choose = (/** @type {Way} */ how) => {
    forms.password.hidden = how !== "password";
    forms.token.hidden = how !== "token";
  };
  choice.addEventListener("change", (event) => {
    choose(/** @type {Way} */ (/** @type {HTMLInputElement} */ (event.target).value));
  });

  /**
   * @param {HTMLElement} button
   * @param {() => Promise<void>} work
   * @param {(error: ApiError) => string} reasonOf
   * @returns {Promise<boolean>} whether it has worked
   */
  const attempt = async (button, work, reasonOf) => {
    if (!isEnabled(button)) {
      return false;
    }
    const label = [...button.childNodes];
    complain("");
    enable(button, false);
    button.textContent = "Signing in…";
    try {
      await work();
      return true;
    } catch (problem) {
      if (!(problem instanceof ApiError)) {
        throw problem;
      }
      complain(reasonOf(problem));
      return false;
    } finally {
      enable(button, true);
      button.replaceChildren(...label);
    }
  };

  /**
   * @param {HTMLFormElement} form
   * @param {(data: FormData) => Promise<void>} signIn
   * @param {(error: ApiError) => string} reasonOf
   */
  const submits = (form, signIn, reasonOf) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const data = new FormData(form);
      if (await attempt(find(form, "button"), () => signIn(data), reasonOf)) {
        onSignedIn();
      } else {
        const secret = /** @type {HTMLInputElement} */ (find(form, "[type=password]"));
        secret.select();
        secret.focus();
      }
    });
  };
  submits(
    forms.password,
    (data) => session.signInWithPassword(text(data, "user").trim(), text(data, "password")),
    reasonOfPassword,
  );
  submits(forms.token, (data) => session.signInWithToken(text(data, "token").trim()), reasonOfToken);
  complain(message);

  const [metadata, flows] = await Promise.all([oauth.discover(), loginFlows()]);
  if (!choice.isConnected) {
    return;
  }
  const elsewhere = find(page, ".elsewhere");
  if (metadata !== null) {
    const button = continueWith(new URL(metadata.issuer).host, () =>
      attempt(button, () => oauth.begin(metadata), session.reasonOf),
    );
    elsewhere.append(button);
  } else {
    elsewhere.append(...providers(flows).map(({ id, name: label }) => continueWith(label, () => goTo(id))));
  }
  const password = flows.some((flow) => flow.type === "m.login.password");
  elsewhere.hidden = elsewhere.childElementCount === 0;
  find(page, ".or").hidden = elsewhere.hidden;
  find(page, ".ways").hidden = false;
  choice.hidden = !password;
  choose(password ? "password" : "token");
  const first = elsewhere.hidden ? (password ? "[name=user]" : "[name=token]") : ".elsewhere button";
  find(page, first).focus();
}

/**
 * @param {string} label
 * @param {() => void} onclick
 */
function continueWith(label, onclick) {
  return el("button", { type: "button", class: "primary", onclick }, "Continue with ", name(label));
}

/** @returns {Promise<Flow[]>} */
async function loginFlows() {
  try {
    return (await askMatrix("GET", "v3/login")).flows;
  } catch (error) {
    // 404: somebody else signs people in. Else it may well be that passwords work.
    const none = error instanceof ApiError && error.status === 404;
    return none ? [] : [{ type: "m.login.password" }];
  }
}

/**
 * Who signs people in for Synapse.
 *
 * @param {Flow[]} flows
 */
function providers(flows) {
  const flow = flows.find(({ type }) => type === "m.login.sso");
  if (flow === undefined) {
    return [];
  }
  const named = flow.identity_providers ?? [];
  return named.length > 0 ? named : [{ id: "", name: "single sign-on" }];
}

/** @param {string} provider "" if there is only one */
function goTo(provider) {
  const id = provider && `/${encodeURIComponent(provider)}`;
  const url = clientUrl(`v3/login/sso/redirect${id}`);
  url.searchParams.set("redirectUrl", PAGE);
  leave(url, { how: "sso" });
}

/**
 * @param {FormData} data
 * @param {string} field
 */
function text(data, field) {
  return String(data.get(field) ?? "");
}

/** @param {ApiError} error */
function reasonOfPassword(error) {
  if (error.status === 429) {
    const seconds = Math.ceil((error.retryAfterMs ?? 1000) / 1000);
    return `Too many attempts. Please try again in ${files(seconds, "second")}.`;
  }
  if (error.status === 403 && error.message.startsWith("Invalid username")) {
    return "The user name or the password is wrong.";
  }
  return session.reasonOf(error);
}

/** @param {ApiError} error */
function reasonOfToken(error) {
  if (error.status === 401) {
    return "The server does not know this access token.";
  }
  return session.reasonOf(error);
}
