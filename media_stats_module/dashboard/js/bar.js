// A whole and its parts: a bar for the eye, a table for everybody.

import { el } from "./dom.js";
import { figures } from "./figures.js";
import { bytes, count, share, sum } from "./format.js";

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
 * @param {{seesCaption?: boolean}} [options]
 * @returns {HTMLElement}
 */
export function wholeAndParts(caption, head, parts, options) {
  const whole = sum(...parts).media_length;
  const rows = parts.map((part) => [
    el("span", {}, el("span", { class: "swatch", "data-part": part.key, "aria-hidden": "true" }), part.shown ?? part.label),
    part.media_length,
    share(part.media_length, whole),
    count(part.media_count),
  ]);
  return el(
    "div",
    { class: "whole" },
    el("div", { class: "bar", "aria-hidden": "true" }, ...parts.map(segment)),
    figures(caption, [head, "Size", "Share", "Files"], rows, options),
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
