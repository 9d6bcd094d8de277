// The page for who has signed in: puts the parts together, and reloads them together.

import { openDetail } from "./detail.js";
import { chosen, fromTemplate, showPage } from "./dom.js";
import { downloads } from "./download.js";
import { Growth } from "./growth.js";
import { kindsPanel } from "./kinds.js";
import { ownersTable } from "./owners.js";
import { Range } from "./range.js";
import { storePanel } from "./store.js";

const SOURCES = [
  { source: "local", label: "Local" },
  { source: "remote", label: "Remote" },
];

/**
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {string} options.userId who has signed in
 * @param {() => void} options.onSignOut
 * @returns {{remove: () => void}}
 */
export function showDashboard({ api, userId, onSignOut }) {
  showPage(fromTemplate("dashboard"));
  const page = document.getElementById("page");
  const find = (selector) => page.querySelector(selector);
  const server = userId.slice(userId.indexOf(":") + 1);
  document.title = `Media statistics – ${server}`;
  find(".server").textContent = server;
  find(".who").textContent = userId;

  const range = new Range(find(".range"), () => {
    for (const input of find(".growth").querySelectorAll("[name=interval]")) {
      input.checked = input.value === range.interval;
    }
    reload();
  });
  const scope = () => range.query;
  const interval = () => chosen(find(".growth"), "interval");
  const view = () => ({
    measure: chosen(find(".growth"), "measure"),
    running: chosen(find(".growth"), "mode") === "sum",
  });

  const open = (owner) =>
    openDetail(find(".detail"), api, owner, {
      range: scope(),
      interval: interval(),
      view: view(),
    });
  const growth = new Growth(
    find(".growth"),
    api,
    SOURCES,
    () => ({ ...scope(), interval: interval() }),
    (fromTs, untilTs) => range.choose(fromTs, untilTs),
  );
  const store = storePanel(find(".store"), api);
  // In the order in which they are asked for.
  const ranged = [
    growth,
    ownersTable(find(".users"), "users", api, scope, open),
    ownersTable(find(".servers"), "servers", api, scope, open),
    kindsPanel(find(".kinds"), api, SOURCES, scope),
  ];
  const reload = () => {
    for (const part of ranged) {
      part.reload();
    }
  };

  find(".growth .tools").addEventListener("change", (event) => {
    if (event.target.name === "interval") {
      growth.reload();
    } else {
      growth.setView(view());
    }
  });
  for (const button of page.querySelectorAll(".growth .csv")) {
    const { source } = button.dataset;
    downloads(button, `timeline-${source}.csv`, () =>
      api.getCsv("timeline", { ...scope(), source, interval: interval() }),
    );
  }
  for (const button of page.querySelectorAll(".kinds .csv")) {
    const { source } = button.dataset;
    downloads(button, `types-${source}.csv`, () => api.getCsv("types", { ...scope(), source }));
  }
  find(".refresh").addEventListener("click", () => {
    store.reload();
    reload();
  });
  find(".sign-out").addEventListener("click", onSignOut);

  store.reload();
  reload();
  return {
    remove() {
      api.end();
      store.stop();
      for (const part of ranged) {
        part.stop();
      }
      find(".detail").close();
      showPage();
    },
  };
}
