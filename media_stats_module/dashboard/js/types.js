// Types of files: images, videos and so on, of one source or of both.

import { wholeAndParts } from "./bar.js";
import { el, find } from "./dom.js";
import { downloadsOfSources } from "./download.js";
import { filesWith, typeOfGroup } from "./files_filters.js";
import { viewLink } from "./link.js";
import { Panel } from "./panel.js";

const LABELS = {
  image: "Images",
  video: "Videos",
  audio: "Audio",
  text: "Text",
  application: "Documents and data",
  other: "Other",
};

const CLOSE_DIALOG = { user: "", server_name: "" };
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
 * @param {() => import("./api.js").Query} scope the other parameters
 * @param {import("./address.js").Address} address
 * @param {(source: "local"|"remote") => import("./address.js").Changes} filters for the
 *   files that are counted, of all types
 */
export function typesPanel(section, api, sources, scope, address, filters) {
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
        ...answers.map(({ types }, index) => {
          const { label, source } = sources[index];
          return show(label, types, (group, name) =>
            viewLink(
              address,
              () => ({
                ...CLOSE_DIALOG,
                ...filesWith({ ...filters(source), media_type: typeOfGroup(group) }),
              }),
              { class: "files-link", "aria-label": `${name}, ${label.toLowerCase()}` },
              {},
              name,
            ),
          );
        }),
      ),
  });
}

/**
 * @param {string} label
 * @param {GroupUsage[]} types
 * @param {(group: string, name: string) => Node|string} link to a type's files
 */
function show(label, types, link) {
  if (types.length === 0) {
    return el("p", { class: "empty" }, `${label}: no files in this time range.`);
  }
  const parts = types.map((type) => {
    const name = LABELS[/** @type {keyof LABELS} */ (type.group)] ?? type.group;
    return { ...type, key: `type-${type.group}`, label: name, shown: link(type.group, name) };
  });
  return wholeAndParts(label, "Type", parts, { seesCaption: true });
}
