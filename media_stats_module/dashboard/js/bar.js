// A whole and its parts: a bar for the eye, a table for everybody.

import { el } from "./dom.js";
import { bytes, count, exactBytes, share, sum } from "./format.js";

/**
 * @typedef {object} NamedPart
 * @property {string} key chooses the colour (style.css)
 * @property {string} label
 * @property {Node|string} [shown] the label, as a link to these files
 *
 * @typedef {import("./format.js").Usage & NamedPart} Part
 */

/**
 * @param {string} caption the name of the whole
 * @param {string} head the name of a part
 * @param {Part[]} parts
 * @param {""|"unseen"} [captionClass]
 * @returns {HTMLElement}
 */
export function wholeAndParts(caption, head, parts, captionClass = "") {
  const whole = sum(...parts).media_length;
  const heads = ["Size", "Share", "Files"].map((label) =>
    el("th", { scope: "col", class: "number" }, label),
  );
  return el(
    "div",
    { class: "whole" },
    el("div", { class: "bar", "aria-hidden": "true" }, ...parts.map(segment)),
    el(
      "table",
      { class: "parts" },
      el("caption", { class: captionClass || undefined }, caption),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, head), ...heads)),
      el("tbody", {}, ...parts.map((part) => row(part, whole))),
    ),
  );
}

/** @param {Part} part */
function segment(part) {
  const element = el("div", {
    class: "segment",
    "data-part": part.key,
    title: `${part.label}: ${bytes(part.media_length)}`,
  });
  element.style.flexGrow = String(part.media_length);
  element.hidden = part.media_length === 0;
  return element;
}

/**
 * @param {Part} part
 * @param {number} whole
 */
function row(part, whole) {
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      el("span", { class: "swatch", "data-part": part.key, "aria-hidden": "true" }),
      part.shown ?? part.label,
    ),
    el("td", { class: "number", title: exactBytes(part.media_length) }, bytes(part.media_length)),
    el("td", { class: "number" }, share(part.media_length, whole)),
    el("td", { class: "number" }, count(part.media_count)),
  );
}
