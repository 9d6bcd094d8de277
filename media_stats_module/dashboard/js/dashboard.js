// The page after signing in: connects the parts, and updates them from the address.

import { Address } from "./address.js";
import { appservicesPanel } from "./appservices.js";
import { onOtherDay } from "./clock.js";
import { Detail } from "./detail.js";
import { find, fromTemplate, showPage } from "./dom.js";
import { duplicatesPanel } from "./duplicates.js";
import { countedIn, filesWith } from "./files_filters.js";
import { FilesSection } from "./files_section.js";
import { GrowthPanel } from "./growth.js";
import { Navigation } from "./navigation.js";
import { Openers } from "./openers.js";
import { Range, daysFrom } from "./range.js";
import { ReclaimablePanel } from "./reclaimable.js";
import { serversTable } from "./servers.js";
import { SOURCES } from "./sources.js";
import { SummaryPanel } from "./summary.js";
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
  const serverName = userId.slice(userId.indexOf(":") + 1);
  const page = showEmptyPage(userId, serverName);
  const address = new Address();
  const navigation = new Navigation(page, address);
  const update = () => {
    find(page, ".duplicates").hidden = summary.isEmpty;
    range.update();
    parts.forEach((part) => part.update());
    detail.update();
    navigation.update();
  };
  const { range, summary, timeline, parts, detail } = makeParts(page, api, address, serverName, update);
  address.onChange(update);
  const forgetClock = onOtherDay(update);
  find(page, ".refresh").addEventListener("click", () => parts.forEach((part) => part.reload()));
  find(page, ".sign-out").addEventListener("click", onSignOut);
  update();
  return {
    remove() {
      api.end();
      address.remove();
      forgetClock();
      parts.forEach((part) => part.stop());
      timeline.remove();
      navigation.remove();
      detail.remove();
      showPage();
    },
  };
}

/**
 * @param {HTMLElement} page
 * @param {import("./api.js").Api} api
 * @param {Address} address
 * @param {string} serverName
 * @param {() => void} onKnown called when it is known how large the media store is
 */
function makeParts(page, api, address, serverName, onKnown) {
  const openers = new Openers(address);
  const form = /** @type {HTMLFormElement} */ (find(page, ".range"));
  const range = new Range(form, address, () => timeline.firstDay);
  const scope = () => ({ ...range.query });
  const summary = new SummaryPanel(find(page, ".summary"), api, address, () => {
    growth.redraw();
    onKnown();
  });
  const isCheap = () => summary.isSmall;
  const growth = new GrowthPanel(find(page, ".growth"), api, () => summary.known);
  const timeline = new TimelinePanel(find(page, ".timeline"), api, address, SOURCES, scope, {
    onSelect: (from, until) => range.choose(from, until),
    onOpen: (from, until, source) =>
      address.set({ ...daysFrom(from, until), ...filesWith(countedIn(source)) }),
    onAnswer: () => [users, servers].forEach((table) => table.redraw()),
  });
  const whole = (/** @type {"local"|"remote"} */ source) => timeline.whole(source);
  const users = usersTable(find(page, ".users"), api, address, scope, whole, openers);
  const servers = serversTable(find(page, ".servers"), api, address, scope, whole, openers);
  /** In the order in which they are asked for.
   * @type {import("./panel.js").Part[]} */
  const parts = [
    summary,
    growth,
    timeline,
    users,
    servers,
    appservicesPanel(find(page, ".appservices"), api, address, scope),
    typesPanel(find(page, ".types"), api, SOURCES, scope, address, countedIn),
    new FilesSection(find(page, ".files"), api, address, scope, { serverName, isCheap, openers }),
    new ReclaimablePanel(find(page, ".reclaimable"), api, address, {
      prefix: "",
      scope: () => ({}),
      isCheap,
      isEmpty: () => summary.isEmpty,
      openers,
    }),
    duplicatesPanel(find(page, ".duplicates"), api, address),
  ];
  const dialog = /** @type {HTMLDialogElement} */ (find(page, ".detail"));
  const detail = new Detail(dialog, api, address, range, openers, isCheap);
  return { range, summary, timeline, parts, detail };
}

/**
 * @param {string} userId
 * @param {string} serverName
 */
function showEmptyPage(userId, serverName) {
  showPage(fromTemplate("dashboard"));
  const page = find(document, "#page");
  document.title = `Media statistics – ${serverName}`;
  find(page, ".server").textContent = serverName;
  find(page, ".who").textContent = userId;
  return page;
}
