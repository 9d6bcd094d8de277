// Types of files: images, videos and so on, of one source or of both.

import { wholeAndParts } from "./bar.js";
import { el, find } from "./dom.js";
import { downloadsOfSources } from "./download.js";
import { Panel } from "./panel.js";

const LABELS = {
  image: "Images",
  video: "Videos",
  audio: "Audio",
  text: "Text",
  application: "Documents and data",
  other: "Other",
};

const LARGEST_FIRST = { order_by: "media_length", dir: "b" };

/**
 * @typedef {object} Group
 * @property {string} group
 *
 * @typedef {import("./format.js").Usage & Group} GroupUsage
 */

/**
 * @param {HTMLElement} section with a button for the CSV of each source, if it has them
 * @param {import("./api.js").Api} api
 * @param {import("./sources.js").Source[]} sources
 * @param {() => import("./api.js").Query} scope what else to ask with
 */
export function typesPanel(section, api, sources, scope) {
  downloadsOfSources(section, "types", (source) =>
    api.getCsv("types", { ...scope(), ...LARGEST_FIRST, source }),
  );
  return new Panel(section, {
    what: "Adding up files by type",
    query: scope,
    load: (query, asking) =>
      Promise.all(
        sources.map(({ source }) =>
          api.get("types", { ...query, ...LARGEST_FIRST, source, group: true }, asking),
        ),
      ),
    show: (answers) =>
      find(section, ".content").replaceChildren(
        ...answers.map(({ types }, index) => show(sources[index].label, types)),
      ),
  });
}

/**
 * @param {string} label
 * @param {GroupUsage[]} types
 */
function show(label, types) {
  if (types.length === 0) {
    return el("p", { class: "empty" }, `${label}: no files in this time range.`);
  }
  const parts = types.map((type) => ({
    ...type,
    key: `type-${type.group}`,
    label: LABELS[/** @type {keyof LABELS} */ (type.group)] ?? type.group,
  }));
  return wholeAndParts(label, "Type", parts);
}
