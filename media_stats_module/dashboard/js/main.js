// Where the page starts: with the dashboard if somebody has signed in, else with the form.

import { Api } from "./api.js";
import { showDashboard } from "./dashboard.js";
import { announce } from "./dom.js";
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

start();
