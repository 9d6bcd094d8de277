// A whole and its parts: a bar for the eye, a table for everybody.

import { el } from "./dom.js";
import { bytes, count, exactBytes, share } from "./format.js";

/**
 * @param {string} caption what the whole is
 * @param {{key: string, label: string, media_length: number, media_count: number}[]} parts
 *   the key chooses the colour (style.css)
 * @returns {HTMLElement}
 */
export function wholeAndParts(caption, parts) {
  const whole = parts.reduce((sum, part) => sum + part.media_length, 0);
  return el(
    "div",
    { class: "whole" },
    el("div", { class: "bar", "aria-hidden": "true" }, ...parts.map(segment)),
    el(
      "table",
      { class: "parts" },
      el("caption", {}, caption),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "Part"),
          ...["Size", "Share", "Files"].map((label) =>
            el("th", { scope: "col", class: "number" }, label),
          ),
        ),
      ),
      el("tbody", {}, ...parts.map((part) => row(part, whole))),
    ),
  );
}

function segment(part) {
  const element = el("div", {
    class: "segment",
    "data-part": part.key,
    title: `${part.label}: ${bytes(part.media_length)}`,
  });
  element.style.flexGrow = part.media_length;
  element.hidden = part.media_length === 0;
  return element;
}

function row(part, whole) {
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      el("span", { class: "swatch", "data-part": part.key, "aria-hidden": "true" }),
      part.label,
    ),
    el("td", { class: "number", title: exactBytes(part.media_length) }, bytes(part.media_length)),
    el("td", { class: "number" }, share(part.media_length, whole)),
    el("td", { class: "number" }, count(part.media_count)),
  );
}
