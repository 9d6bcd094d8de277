// The form that asks who somebody is.

import { ApiError } from "./api.js";
import { fromTemplate, showPage } from "./dom.js";
import * as session from "./session.js";

/**
 * @param {{onSignedIn: () => void, message?: string}} options the message says why
 *   somebody is asked again
 */
export function showSignIn({ onSignedIn, message }) {
  const page = fromTemplate("sign-in");
  const find = (selector) => page.querySelector(selector);
  const error = find(".error");
  const choice = find(".choice");
  const forms = { password: find(".by-password"), token: find(".by-token") };

  const complain = (text) => {
    error.textContent = text;
    error.hidden = !text;
  };
  const choose = (how) => {
    for (const [name, form] of Object.entries(forms)) {
      form.hidden = name !== how;
    }
  };
  choice.addEventListener("change", (event) => choose(event.target.value));

  const submits = (form, signIn, reasonOf) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      if (button.disabled) {
        return;
      }
      complain("");
      button.disabled = true;
      button.textContent = "Signing in…";
      try {
        await signIn(new FormData(form));
      } catch (problem) {
        if (!(problem instanceof ApiError)) {
          throw problem;
        }
        complain(reasonOf(problem));
        return;
      } finally {
        button.disabled = false;
        button.textContent = "Sign in";
      }
      onSignedIn();
    });
  };
  submits(
    forms.password,
    (data) => session.signInWithPassword(data.get("user").trim(), data.get("password")),
    reasonOfPassword,
  );
  submits(
    forms.token,
    (data) => session.signInWithToken(data.get("token").trim()),
    reasonOfToken,
  );

  showPage(page);
  document.title = "Sign in – Media statistics";
  forms.password.elements.user.focus();
  if (message) {
    complain(message);
  }
  session.acceptsPasswords().then((accepted) => {
    if (!accepted && choice.isConnected) {
      choice.hidden = true;
      choose("token");
      forms.token.elements.token.focus();
    }
  });
}

function reasonOfPassword(error) {
  if (error.status === 429) {
    const seconds = Math.ceil((error.retryAfterMs ?? 1000) / 1000);
    return `Too many attempts. Please try again in ${seconds} s.`;
  }
  if (error.status === 403 && error.message.startsWith("Invalid username")) {
    return "The user name or the password is wrong.";
  }
  return session.reasonOf(error);
}

function reasonOfToken(error) {
  if (error.status === 401) {
    return "The server does not know this access token.";
  }
  return session.reasonOf(error);
}
