// The forms for a password and for an access token. One of them is shown.

import { find } from "./dom.js";
import { files } from "./format.js";
import * as session from "./session.js";
import { attempt } from "./signin_attempt.js";

/** @typedef {import("./http.js").ApiError} ApiError */

export class Forms {
  #page;
  /** @type {Record<"password"|"token", HTMLFormElement>} */
  #forms;
  #onSignedIn;

  /**
   * @param {HTMLElement} page
   * @param {() => void} onSignedIn
   */
  constructor(page, onSignedIn) {
    this.#page = page;
    this.#onSignedIn = onSignedIn;
    this.#forms = { password: find(page, ".by-password"), token: find(page, ".by-token") };
    this.#submits(
      this.#forms.password,
      (data) => session.signInWithPassword(text(data, "user").trim(), text(data, "password")),
      reasonOfPassword,
    );
    this.#submits(
      this.#forms.token,
      (data) => session.signInWithToken(text(data, "token").trim()),
      reasonOfToken,
    );
    find(page, ".choice").addEventListener("change", (event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.target);
      this.#show(/** @type {"password"|"token"} */ (value));
    });
  }

  /** @param {{password: boolean}} ways */
  offer({ password }) {
    find(this.#page, ".choice").hidden = !password;
    this.#show(password ? "password" : "token");
  }

  focus() {
    find(this.#page, "form:not([hidden]) input").focus();
  }

  /** @param {"password"|"token"} how */
  #show(how) {
    this.#forms.password.hidden = how !== "password";
    this.#forms.token.hidden = how !== "token";
  }

  /**
   * @param {HTMLFormElement} form
   * @param {(data: FormData) => Promise<void>} signIn
   * @param {(error: ApiError) => string} reasonOf
   */
  #submits(form, signIn, reasonOf) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const data = new FormData(form);
      if (await attempt(find(form, "button"), () => signIn(data), reasonOf)) {
        this.#onSignedIn();
      } else {
        const secret = /** @type {HTMLInputElement} */ (find(form, "[type=password]"));
        secret.select();
        secret.focus();
      }
    });
  }
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
  if (error.status === 401 && error.errcode !== undefined) {
    return "The server does not know this access token.";
  }
  return session.reasonOf(error);
}
