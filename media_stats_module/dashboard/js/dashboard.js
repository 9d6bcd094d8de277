// The page after signing in: puts the parts together, and keeps them at the address.

import { Address } from "./address.js";
import { Detail } from "./detail.js";
import { find, fromTemplate, showPage } from "./dom.js";
import { downloads } from "./download.js";
import { FilesPanel, ORDERS } from "./files.js";
import { Range } from "./range.js";
import { ReclaimablePanel } from "./reclaimable.js";
import { serversTable } from "./servers.js";
import { duplicatesPanel, summaryPanel } from "./summary.js";
import { TimelinePanel } from "./timeline.js";
import { typesPanel } from "./types.js";
import { usersTable } from "./users.js";

/** @type {import("./types.js").Source[]} */
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
  const page = find(document, "#page");
  const server = userId.slice(userId.indexOf(":") + 1);
  document.title = `Media statistics – ${server}`;
  find(page, ".server").textContent = server;
  find(page, ".who").textContent = userId;

  const address = new Address();
  /** @type {Map<string, string|null>} The displaynames of users that were opened. */
  const displaynames = new Map();
  const scope = () => ({ ...range.query });
  /** @param {{user_id: string, displayname?: string|null}} user */
  const openUser = ({ user_id: user, displayname }) => {
    if (displayname !== undefined) {
      displaynames.set(user, displayname);
    }
    address.set({ user }, { opens: true });
  };
  /** @param {{server_name: string}} server */
  const openServer = ({ server_name }) => address.set({ server_name }, { opens: true });
  /** @param {{user_id: string}|{server_name: string}} owner */
  const open = (owner) => ("user_id" in owner ? openUser(owner) : openServer(owner));

  const range = new Range(
    /** @type {HTMLFormElement} */ (find(page, ".range")),
    address,
    () => timeline.firstDay,
  );
  const timeline = new TimelinePanel(
    find(page, ".timeline"),
    api,
    address,
    SOURCES,
    scope,
    (from, until) => range.choose(from, until),
  );
  const files = serverFiles(find(page, ".files"), api, address, scope, open);
  const detail = new Detail(
    /** @type {HTMLDialogElement} */ (find(page, ".detail")),
    api,
    address,
    range,
  );
  // In the order in which they are asked for.
  const parts = [
    summaryPanel(find(page, ".summary"), api),
    timeline,
    usersTable(find(page, ".users"), api, address, scope, openUser),
    serversTable(find(page, ".servers"), api, address, scope, openServer),
    typesPanel(find(page, ".types"), api, SOURCES, scope),
    files,
    new ReclaimablePanel(find(page, ".reclaimable"), api, address, {
      prefix: "",
      scope: () => ({}),
      onOpen: open,
    }),
    duplicatesPanel(find(page, ".duplicates"), api),
  ];

  const update = () => {
    range.update();
    for (const part of parts) {
      part.update();
    }
    const [user, server_name] = [address.get("user"), address.get("server_name")];
    detail.update(
      user
        ? { id: user, source: "local", displayname: displaynames.get(user) }
        : server_name
          ? { id: server_name, source: "remote" }
          : null,
    );
  };
  address.onChange(update);

  find(page, ".timeline .tools").addEventListener("change", (event) => {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    const usual = { mode: "added", measure: "media_length" }[name];
    address.set({ [name]: value === usual ? "" : value });
  });
  for (const button of page.querySelectorAll(".timeline .csv")) {
    const source = button.getAttribute("data-source") ?? "";
    downloads(
      /** @type {HTMLElement} */ (button),
      () => `timeline-${source}.csv`,
      () => api.getCsv("timeline", { ...scope(), source, interval: timeline.interval }),
    );
  }
  for (const button of page.querySelectorAll(".types .csv")) {
    const source = button.getAttribute("data-source") ?? "";
    downloads(
      /** @type {HTMLElement} */ (button),
      () => `types-${source}.csv`,
      () => api.getCsv("types", { ...scope(), source }),
    );
  }
  find(page, ".refresh").addEventListener("click", () => {
    for (const part of parts) {
      part.reload();
    }
  });
  find(page, ".sign-out").addEventListener("click", onSignOut);

  update();
  return {
    remove() {
      api.end();
      address.remove();
      for (const part of parts) {
        part.stop();
      }
      timeline.remove();
      detail.remove();
      showPage();
    },
  };
}

/**
 * The files of the whole server, once somebody asks for them: that reads every row.
 *
 * @param {HTMLElement} section
 * @param {import("./api.js").Api} api
 * @param {Address} address
 * @param {() => import("./range.js").Window} scope
 * @param {(owner: {user_id: string}|{server_name: string}) => void} open
 */
function serverFiles(section, api, address, scope, open) {
  const order = /** @type {HTMLSelectElement} */ (find(section, ".order"));
  const chosen = () => address.choice("files", ["", ...ORDERS]);
  const source = () => address.choice("files_source", ["local", "remote"]);
  const panel = new FilesPanel(section, api, {
    query: () => {
      const [orderBy, dir] = chosen().split(" ");
      return chosen() === "" ? null : { ...scope(), source: source(), order_by: orderBy, dir };
    },
    csvName: () => `files-${source()}.csv`,
    onOpen: open,
  });
  find(section, ".ask button").addEventListener("click", () => address.set({ files: ORDERS[0] }));
  order.addEventListener("change", () => address.set({ files: order.value }));
  find(section, ".choice").addEventListener("change", (event) => {
    const { value } = /** @type {HTMLInputElement} */ (event.target);
    address.set({ files_source: value === "local" ? "" : value });
  });
  return {
    update() {
      const asked = chosen() !== "";
      find(section, ".ask").hidden = asked;
      find(section, ".content").hidden = !asked;
      find(section, ".title .tools").hidden = !asked;
      order.value = chosen() || ORDERS[0];
      for (const input of section.querySelectorAll("[name=files_source]")) {
        const radio = /** @type {HTMLInputElement} */ (input);
        radio.checked = radio.value === source();
      }
      panel.update();
    },
    reload: () => panel.reload(),
    stop: () => panel.stop(),
  };
}
