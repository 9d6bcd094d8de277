// Kinds of files: images, videos and so on, of one source or of both.

import { wholeAndParts } from "./bar.js";
import { el } from "./dom.js";
import { Panel } from "./panel.js";

const LABELS = {
  image: "Images",
  video: "Videos",
  audio: "Audio",
  text: "Text",
  application: "Documents and data",
  other: "Anything else",
};

/**
 * @param {HTMLElement} section
 * @param {import("./api.js").Api} api
 * @param {{source: string, label: string}[]} sources
 * @param {() => object} scope what else to ask with
 * @returns {Panel}
 */
export function kindsPanel(section, api, sources, scope) {
  const load = (signal) =>
    Promise.all(
      sources.map(({ source }) =>
        api.get("types", { ...scope(), source, group: true }, signal),
      ),
    );
  return new Panel(section, load, (answers) => {
    section.querySelector(".content").replaceChildren(
      ...answers.map(({ types }, index) => show(sources[index].label, types)),
    );
  });
}

function show(label, types) {
  if (types.length === 0) {
    return el("p", { class: "empty" }, `${label}: no files in this time range.`);
  }
  const found = new Map(types.map((type) => [type.group, type]));
  return wholeAndParts(
    label,
    // Always in this order, so that two bars compare.
    Object.entries(LABELS)
      .filter(([group]) => found.has(group))
      .map(([group, name]) => ({ key: `kind-${group}`, label: name, ...found.get(group) })),
  );
}
