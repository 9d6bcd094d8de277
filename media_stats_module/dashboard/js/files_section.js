// The files of the whole server, once somebody asks for them: that reads every row.

import { check, find, keepFocus } from "./dom.js";
import { FilesPanel, ORDERS } from "./files.js";

/**
 * @param {HTMLElement} section
 * @param {import("./api.js").Api} api
 * @param {import("./address.js").Address} address
 * @param {() => import("./range.js").Window} scope the time range
 * @param {import("./openers.js").Openers} openers
 * @returns {import("./panel.js").Part}
 */
export function filesSection(section, api, address, scope, openers) {
  const order = /** @type {HTMLSelectElement} */ (find(section, ".order"));
  const chosen = () => address.choice("files", ["", ...ORDERS]);
  const source = () => address.choice("files_source", ["local", "remote"]);
  const list = new FilesPanel(section, api, {
    caption: "Files",
    query: () => {
      const [order_by, dir] = chosen().split(" ");
      return chosen() === "" ? null : { ...scope(), source: source(), order_by, dir };
    },
    csvName: () => `files-${source()}.csv`,
    openers,
  });
  find(section, ".ask button").addEventListener("click", () => address.set({ files: ORDERS[0] }));
  order.addEventListener("change", () => address.set({ files: order.value }));
  find(section, ".choice").addEventListener("change", (event) => {
    const { value } = /** @type {HTMLInputElement} */ (event.target);
    address.set({ files_source: value === "local" ? "" : value });
  });
  const show = () => {
    const asked = chosen() !== "";
    find(section, ".ask").hidden = asked;
    find(section, ".content").hidden = !asked;
    find(section, ".title .tools").hidden = !asked;
    order.value = chosen() || ORDERS[0];
    check(section, "files_source", source());
  };
  return {
    update() {
      keepFocus(section, show);
      list.update();
    },
    reload: () => list.reload(),
    stop: () => list.stop(),
  };
}
