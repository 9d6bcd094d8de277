// The page after signing in: puts the parts together, and keeps them at the address.

import { Address } from "./address.js";
import { Detail } from "./detail.js";
import { find, fromTemplate, showPage } from "./dom.js";
import { filesSection } from "./files_section.js";
import { Openers } from "./openers.js";
import { Range } from "./range.js";
import { ReclaimablePanel } from "./reclaimable.js";
import { serversTable } from "./servers.js";
import { SOURCES } from "./sources.js";
import { duplicatesPanel, summaryPanel } from "./summary.js";
import { TimelinePanel } from "./timeline.js";
import { typesPanel } from "./types.js";
import { usersTable } from "./users.js";

/**
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {string} options.userId who has signed in
 * @param {() => void} options.onSignOut
 * @returns {{remove: () => void}}
 */
export function showDashboard({ api, userId, onSignOut }) {
  const page = showEmptyPage(userId);
  const address = new Address();
  const openers = new Openers(address);
  const range = new Range(/** @type {HTMLFormElement} */ (find(page, ".range")), address, () =>
    timeline.firstDay,
  );
  const scope = () => ({ ...range.query });
  const timeline = new TimelinePanel(find(page, ".timeline"), api, address, SOURCES, scope, (from, until) =>
    range.choose(from, until),
  );
  const dialog = /** @type {HTMLDialogElement} */ (find(page, ".detail"));
  const detail = new Detail(dialog, api, address, range, openers);
  /** In the order in which they are asked for.
   * @type {import("./panel.js").Part[]} */
  const parts = [
    summaryPanel(find(page, ".summary"), api),
    timeline,
    usersTable(find(page, ".users"), api, address, scope, openers),
    serversTable(find(page, ".servers"), api, address, scope, openers),
    typesPanel(find(page, ".types"), api, SOURCES, scope),
    filesSection(find(page, ".files"), api, address, scope, openers),
    new ReclaimablePanel(find(page, ".reclaimable"), api, address, { prefix: "", scope: () => ({}), openers }),
    duplicatesPanel(find(page, ".duplicates"), api),
  ];
  const update = () => {
    range.update();
    parts.forEach((part) => part.update());
    detail.update();
  };
  address.onChange(update);
  find(page, ".refresh").addEventListener("click", () => parts.forEach((part) => part.reload()));
  find(page, ".sign-out").addEventListener("click", onSignOut);
  update();
  return {
    remove() {
      api.end();
      address.remove();
      parts.forEach((part) => part.stop());
      timeline.remove();
      detail.remove();
      showPage();
    },
  };
}

/** @param {string} userId */
function showEmptyPage(userId) {
  showPage(fromTemplate("dashboard"));
  const page = find(document, "#page");
  const server = userId.slice(userId.indexOf(":") + 1);
  document.title = `Media statistics – ${server}`;
  find(page, ".server").textContent = server;
  find(page, ".who").textContent = userId;
  return page;
}
