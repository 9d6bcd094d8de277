// A small table of figures: a name in each row, then numbers.

import { el } from "./dom.js";
import { bytes, exactBytes } from "./format.js";

/**
 * @param {string} caption
 * @param {string[]} heads
 * @param {(Node|string|number)[][]} rows the name, then the figures: a number is a size in
 *   bytes, all else is shown as it is
 * @param {{seesCaption?: boolean}} [options]
 * @returns {HTMLElement}
 */
export function figures(caption, [first, ...others], rows, { seesCaption = false } = {}) {
  return el(
    "table",
    { class: "parts" },
    el("caption", { class: seesCaption ? undefined : "unseen" }, caption),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, first),
        ...others.map((head) => el("th", { scope: "col", class: "number" }, head)),
      ),
    ),
    el("tbody", {}, ...rows.map(([name, ...cells]) => row(name, cells))),
  );
}

/**
 * @param {Node|string|number} name
 * @param {(Node|string|number)[]} cells
 */
function row(name, cells) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, typeof name === "number" ? String(name) : name),
    ...cells.map((cell) =>
      typeof cell === "number"
        ? el("td", { class: "number", title: exactBytes(cell) }, bytes(cell))
        : el("td", { class: "number" }, cell),
    ),
  );
}
