// The form that asks who somebody is.

import { enable, find, fromTemplate, isEnabled, showPage } from "./dom.js";
import { files } from "./format.js";
import { ApiError } from "./http.js";
import { askMatrix } from "./matrix.js";
import * as session from "./session.js";

/** @typedef {"password"|"token"} Way */

/**
 * @param {{onSignedIn: () => void, message?: string}} options the message says why
 *   somebody is asked again
 */
export function showSignIn({ onSignedIn, message = "" }) {
  showPage(fromTemplate("sign-in"));
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
   * @param {HTMLFormElement} form
   * @param {(data: FormData) => Promise<void>} signIn
   * @param {(error: ApiError) => string} reasonOf
   */
  const submits = (form, signIn, reasonOf) => {
    const button = find(form, "button");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!isEnabled(button)) {
        return;
      }
      complain("");
      enable(button, false);
      button.textContent = "Signing in…";
      try {
        await signIn(new FormData(form));
      } catch (problem) {
        if (!(problem instanceof ApiError)) {
          throw problem;
        }
        complain(reasonOf(problem));
        const secret = /** @type {HTMLInputElement} */ (find(form, "[type=password]"));
        secret.select();
        secret.focus();
        return;
      } finally {
        enable(button, true);
        button.textContent = "Sign in";
      }
      onSignedIn();
    });
  };
  submits(
    forms.password,
    (data) => session.signInWithPassword(text(data, "user").trim(), text(data, "password")),
    reasonOfPassword,
  );
  submits(forms.token, (data) => session.signInWithToken(text(data, "token").trim()), reasonOfToken);

  document.title = "Sign in – Media statistics";
  find(forms.password, "[name=user]").focus();
  complain(message);
  acceptsPasswords().then((accepted) => {
    if (!accepted && choice.isConnected) {
      choice.hidden = true;
      choose("token");
      find(forms.token, "[name=token]").focus();
    }
  });
}

/** Whether Synapse signs people in by password itself; if in doubt, it does. */
async function acceptsPasswords() {
  try {
    /** @type {{flows: {type: string}[]}} */
    const { flows } = await askMatrix("GET", "v3/login");
    return flows.some((flow) => flow.type === "m.login.password");
  } catch {
    return true;
  }
}

/**
 * @param {FormData} data
 * @param {string} name
 */
function text(data, name) {
  return String(data.get(name) ?? "");
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
