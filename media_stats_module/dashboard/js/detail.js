// One user or server, looked at closely, in a dialog over the page.

import { fromTemplate } from "./dom.js";
import { filesPanel } from "./files.js";
import { Growth } from "./growth.js";
import { kindsPanel } from "./kinds.js";

/**
 * @param {HTMLDialogElement} dialog
 * @param {import("./api.js").Api} api
 * @param {import("./owners.js").Owner} owner
 * @param {{range: object, interval: string, view: import("./growth.js").View}} how
 */
export function openDetail(dialog, api, owner, { range, interval, view }) {
  dialog.replaceChildren(fromTemplate("detail"));
  const find = (selector) => dialog.querySelector(selector);
  find("h2").append(document.createElement("bdi"));
  find("h2 bdi").textContent = owner.name ?? owner.id;
  find(".id").textContent = owner.name === null ? "" : owner.id;

  const scope = { ...range, ...owner.scope };
  const label = scope.source === "local" ? "Uploaded" : "Cached";
  const source = [{ source: scope.source, label }];
  const growth = new Growth(find(".growth"), api, source, () => ({ ...scope, interval }));
  const panels = [
    growth,
    kindsPanel(find(".kinds"), api, source, () => scope),
    filesPanel(find(".files"), api, scope, "files.csv"),
  ];
  growth.setView(view);
  find(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener(
    "close",
    () => {
      for (const panel of panels) {
        panel.stop();
      }
      dialog.replaceChildren();
    },
    { once: true },
  );
  // The browser gives the keyboard's place back to the row when this closes.
  dialog.showModal();
  find("h2").focus();
  for (const panel of panels) {
    panel.reload();
  }
}
