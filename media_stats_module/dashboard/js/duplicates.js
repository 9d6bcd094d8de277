// Sets of identical files. Only on request, because the server compares all hashes.

import { downloads } from "./download.js";
import { el, find, keepFocus } from "./dom.js";
import { figures } from "./figures.js";
import { filesWith } from "./files_filters.js";
import { bytes, count, exactBytes, files } from "./format.js";
import { viewLink } from "./link.js";
import { Panel } from "./panel.js";

const SETS = 10;

/**
 * @typedef {object} Set of files with the same content
 * @property {string} sha256
 * @property {number} media_length of one
 * @property {number} copies
 * @property {number} local_copies
 * @property {number} remote_copies
 * @property {number} duplicate_length of all but one
 */

/**
 * @param {HTMLElement} section
 * @param {import("./api.js").Api} api
 * @param {import("./address.js").Address} address
 */
export function duplicatesPanel(section, api, address) {
  let asked = false;
  const csv = find(section, ".csv");
  /** @type {Panel<{}, [any, any]>} */
  const panel = new Panel(section, {
    what: "Comparing the hashes of all files",
    query: () => (asked ? {} : null),
    load: (_, asking) =>
      Promise.all([
        api.get("summary", { duplicates: true }, asking),
        api.get("duplicates", { limit: SETS }, asking),
      ]),
    show: ([summary, sets]) => {
      csv.hidden = !summary.duplicates?.media_count;
      find(section, ".content").replaceChildren(...answer(summary.duplicates, sets, address));
    },
  });
  find(section, ".ask button").addEventListener("click", () => {
    asked = true;
    keepFocus(section, () => {
      find(section, ".ask").hidden = true;
    });
    panel.reload();
  });
  downloads(csv, () => "duplicates.csv", () => api.getCsv("duplicates", {}));
  return panel;
}

/**
 * @param {import("./format.js").Usage|null} sum
 * @param {{duplicates: Set[], total: number|null}} sets
 * @param {import("./address.js").Address} address
 */
function answer(sum, { duplicates, total }, address) {
  if (sum === null || total === null) {
    return [el("p", {}, "This version of Synapse does not keep the hashes of files.")];
  }
  const { media_count: number, media_length: size } = sum;
  if (number === 0) {
    return [el("p", {}, "No file is a copy of another file.")];
  }
  return [
    el(
      "p",
      {},
      el("strong", { title: exactBytes(size) }, bytes(size)),
      ` in ${files(number)} that are copies of another file.` +
        (total > duplicates.length ? ` The ${SETS} largest of ${count(total)} sets:` : ""),
    ),
    table(duplicates, address),
  ];
}

/**
 * @param {Set[]} sets
 * @param {import("./address.js").Address} address
 */
function table(sets, address) {
  return figures(
    "Sets of copies",
    ["SHA-256", "Size of one", "Local", "Remote", "Copies take"],
    sets.map((set) => [
      viewLink(
        address,
        () => ({ range: "", from: "", until: "", ...filesWith({ sha256: set.sha256 }) }),
        { class: "files-link", title: set.sha256 },
        {},
        el("code", {}, `${set.sha256.slice(0, 12)}…`),
      ),
      set.media_length,
      count(set.local_copies),
      count(set.remote_copies),
      set.duplicate_length,
    ]),
  );
}
