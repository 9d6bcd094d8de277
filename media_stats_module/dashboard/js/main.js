// Where the page starts: with the dashboard if somebody has signed in, else with the form.

import { Api } from "./api.js";
import { showDashboard } from "./dashboard.js";
import { announce, el, showPage } from "./dom.js";
import { ApiError } from "./http.js";
import { comeBack } from "./redirect.js";
import * as session from "./session.js";
import { showSignIn } from "./signin.js";

function start() {
  const current = session.current();
  if (current === null) {
    showSignIn({ onSignedIn: start });
    return;
  }
  const api = new Api(current.token, {
    onRefused: (error) => {
      dashboard.remove();
      session.end({ tokenIsGood: error.status !== 401 });
      showSignIn({ onSignedIn: start, message: session.reasonOf(error) });
    },
    renew: session.renew,
  });
  const dashboard = showDashboard({
    api,
    userId: current.userId,
    onSignOut: () => {
      dashboard.remove();
      session.end();
      showSignIn({ onSignedIn: start });
      announce("Signed out");
    },
  });
}

/** Signs in who comes back from signing in somewhere else. */
async function finishSigningIn() {
  const back = comeBack();
  if (back === null) {
    start();
    return;
  }
  showPage(el("main", {}, el("p", { class: "notice" }, "Signing in…")));
  try {
    await session.signInWithAnswer(back.memory, back.answer);
    start();
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    showSignIn({ onSignedIn: start, message: session.reasonOf(error) });
  }
}

finishSigningIn();
