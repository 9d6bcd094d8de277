// Names that people have given to themselves and to their files. They can hold anything:
// nothing at all, hundreds of characters, or characters that reorder the text after them.

import { el } from "./dom.js";

// Invisible characters, and those that change others: control characters, spaces without a
// width, and marks of direction. But not the two joiners, which scripts and emoji need.
const CONTROL =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/u;
const CONTROLS = new RegExp(`(${CONTROL.source})`, "u");

// Only spaces, and letters that look like spaces.
const BLANK = /^[\s\u115f\u1160\u2800\u3164\uffa0]*$/u;

// Longer names are cut to two lines, with a button for the whole name.
const LONG = 80;

/**
 * A name, apart from the text around it, with its control characters made visible.
 *
 * @param {string|null} text
 * @param {string} [absent] the text to show without a name
 * @returns {HTMLElement}
 */
export function name(text, absent = "–") {
  if (text === null || BLANK.test(text)) {
    return el("span", { class: "quiet" }, text === null ? absent : "Empty name");
  }
  return el(
    "bdi",
    {},
    ...text
      .split(CONTROLS)
      .filter((part) => part !== "")
      .map((part) => (CONTROL.test(part) ? el("span", { class: "control" }, code(part)) : part)),
  );
}

/**
 * The same, with a button that shows the whole name if it is long.
 *
 * @param {string|null} text
 * @param {string} [absent]
 * @returns {HTMLElement}
 */
export function clampedName(text, absent) {
  const shown = name(text, absent);
  if (text === null || text.length <= LONG) {
    return shown;
  }
  const button = el("button", { type: "button", class: "whole-name", onclick: () => clamp(!isClamped()) });
  const isClamped = () => shown.classList.contains("clamped");
  const clamp = (/** @type {boolean} */ clamped) => {
    shown.classList.toggle("clamped", clamped);
    button.textContent = clamped ? "Show whole name" : "Show less";
    button.setAttribute("aria-expanded", String(!clamped));
    button.setAttribute("aria-label", `${button.textContent}: ${plainName(text.slice(0, LONG))}`);
  };
  clamp(true);
  return el("span", {}, shown, button);
}

/**
 * The same as plain text, for a tooltip.
 *
 * @param {string} text
 */
export function plainName(text) {
  return text
    .split(CONTROLS)
    .map((part) => (CONTROL.test(part) ? `[${code(part)}]` : part))
    .join("");
}

/** @param {string} character */
function code(character) {
  const number = /** @type {number} */ (character.codePointAt(0));
  return `U+${number.toString(16).toUpperCase().padStart(4, "0")}`;
}
