// The bytes that could be deleted, by age since the last read. A person chooses an age.

import { el } from "./dom.js";
import { NOTHING, bytes, day, exactBytes, files, sum } from "./format.js";
import { labelOf } from "./sources.js";

/** The effect of a deletion. */
const MEANINGS = { local: "gone for ever", remote: "fetched again" };

/**
 * @param {import("./reclaimable.js").Age[]} ages
 * @param {("local"|"remote")[]} sources
 * @param {string} chosen
 */
export function agesTable(ages, sources, chosen) {
  const both = sources.length > 1;
  const heads = [
    ...sources.map((source) => [labelOf(source), MEANINGS[source]]),
    ...(both ? [["Both", ""]] : []),
  ].map(([label, meaning]) =>
    el(
      "th",
      { scope: "col", class: "number" },
      label,
      ...(meaning ? [el("div", { class: "small" }, meaning)] : []),
    ),
  );
  const row = (/** @type {import("./reclaimable.js").Age} */ age) => {
    const amounts = sources.map((source) => age[source] ?? NOTHING);
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, radio(age, String(age.days) === chosen)),
      ...amounts.map((amount, index) => cell(amount, labelOf(sources[index]))),
      ...(both ? [cell(sum(...amounts), "Both")] : []),
    );
  };
  return el(
    "table",
    {},
    el("caption", { class: "unseen" }, "How much could be deleted, by age"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Not read for"), ...heads)),
    el("tbody", {}, ...ages.map(row)),
  );
}

/**
 * @param {import("./reclaimable.js").Age} age
 * @param {boolean} checked
 */
function radio({ days, before_ts: before }, checked) {
  return el(
    "label",
    {},
    el("input", { type: "radio", name: "reclaimable", value: days, checked }),
    el("span", {}, ` ${days} days`),
    el("span", { class: "quiet small" }, ` since ${day(before)}`),
  );
}

/**
 * @param {import("./format.js").Usage} usage
 * @param {string} label
 */
function cell({ media_count: number, media_length: size }, label) {
  return el(
    "td",
    { class: "number", title: exactBytes(size), "data-head": label },
    el("strong", {}, bytes(size)),
    el("div", { class: "quiet small" }, files(number)),
  );
}
