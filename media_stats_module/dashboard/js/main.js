// The start of the page: shows the dashboard with a session, else the form to sign in.

import { Api } from "./api.js";
import { showDashboard } from "./dashboard.js";
import { announce, el, showPage } from "./dom.js";
import { ApiError } from "./http.js";
import { comeBack, stayHere } from "./redirect.js";
import * as session from "./session.js";
import { showSignIn } from "./signin.js";

function start() {
  const current = session.current();
  if (current === null) {
    askToSignIn();
    return;
  }
  stayHere();
  const api = new Api(current.token, {
    onRefused: (error) => {
      session.end({ tokenIsGood: error.status !== 401 });
      leave(session.reasonOf(error));
    },
    renew: session.renew,
  });
  const dashboard = showDashboard({
    api,
    userId: current.userId,
    onSignOut: () => {
      session.end();
      leave();
      announce("Signed out");
    },
  });
  const leave = (/** @type {string} */ message = "") => {
    dashboard.remove();
    askToSignIn(message);
  };
  session.onEndedElsewhere(() => leave("You have signed out in another tab."));
}

function askToSignIn(message = "") {
  session.onEndedElsewhere(() => {});
  showSignIn({ onSignedIn: start, message });
}

/** Signs in who comes back from signing in somewhere else. */
async function finishSigningIn() {
  const back = comeBack();
  if (back === null || session.current() !== null) {
    start();
    return;
  }
  if (back.memory === null) {
    askToSignIn("This sign-in was used already, or it began in another tab. Please sign in again.");
    return;
  }
  showPage(el("main", {}, el("p", { class: "notice" }, "Signing in…")));
  try {
    await session.signInWithAnswer(back.memory, back.answer);
    start();
  } catch (error) {
    if (!(error instanceof ApiError)) {
      console.warn("Cannot sign in:", error);
    }
    askToSignIn(
      error instanceof ApiError
        ? session.reasonOf(error)
        : "The page does not understand the server’s answer.",
    );
  }
}

// Before the chart draws itself again; see style.css.
addEventListener("beforeprint", () => document.documentElement.classList.add("printing"));
addEventListener("afterprint", () => document.documentElement.classList.remove("printing"));

finishSigningIn();
