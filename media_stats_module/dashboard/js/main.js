// Where the page starts: who has signed in sees the dashboard, who has not the form.

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
  const api = new Api(current.token, (error) => {
    dashboard.remove();
    session.end({ tokenIsGood: error.status !== 401 });
    showSignIn({ onSignedIn: start, message: session.reasonOf(error) });
  });
  const dashboard = showDashboard({
    api,
    userId: current.userId,
    onSignOut: () => {
      dashboard.remove();
      session.end({ tokenIsGood: true });
      showSignIn({ onSignedIn: start });
      announce("Signed out");
    },
  });
}

start();
