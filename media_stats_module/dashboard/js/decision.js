// One decision: to delete the local, or the remote, files that nobody has read for an age.

import { el } from "./dom.js";
import { DAY, NOTHING, bytes, files } from "./format.js";
import { SOURCES, labelOf } from "./sources.js";

/** @typedef {import("./reclaimable.js").Amount} Amount */

const HOUR = DAY / 24;

/** Why files stay, as the API names the reasons. */
const REASONS = {
  avatar: "used as an avatar",
  protected: "protected",
  quarantined: "quarantined",
};

/** The effect of the deletion. */
const EFFECTS = {
  local: "They are gone for ever.",
  remote: "Synapse fetches them again when somebody opens them.",
};

/**
 * @param {"local"|"remote"} source
 * @param {import("./reclaimable.js").Age} age
 * @param {HTMLElement|null} command that deletes them; null for one user or server
 */
export function decision(source, age, command) {
  const amount = /** @type {Amount} */ (age[source]);
  const title = `${labelOf(source)}: ${bytes(amount.media_length)} in ${files(amount.media_count)}`;
  return el(
    "section",
    { class: "decision", "data-source": source },
    el(command === null ? "h4" : "h3", {}, title),
    el("p", { class: "quiet small" }, EFFECTS[source]),
    ...(command === null ? [] : [command]),
    el("ul", { class: "small" }, ...keptTexts(amount).map((text) => el("li", {}, text))),
    ...previewsText(amount.url_previews ?? NOTHING),
  );
}

/** @param {import("./format.js").Usage} previews */
function previewsText({ media_count: number, media_length: size }) {
  const text =
    `Synapse also removes ${files(number, "URL preview")} from its database, ` +
    `but leaves ${bytes(size)} of them on the disk.`;
  return number === 0 ? [] : [el("p", { class: "small" }, text)];
}

/** @param {Amount} amount */
function keptTexts({ kept }) {
  return Object.entries(REASONS).flatMap(([reason, words]) => {
    const { media_count: number, media_length: size } =
      kept[/** @type {keyof REASONS} */ (reason)] ?? NOTHING;
    return number === 0 ? [] : [`Stay, ${words}: ${bytes(size)} in ${files(number)}`];
  });
}

/** @param {import("./reclaimable.js").Retention|null} retention */
export function retentionText(retention) {
  const parts = SOURCES.flatMap(({ source }) => {
    const lifetime = retention?.[`${source}_media_lifetime`];
    const amount = retention?.[source];
    return typeof lifetime === "number" && amount
      ? [
          `${source} files that nobody has read for ${duration(lifetime)} ` +
            `(now ${bytes(amount.media_length)} in ${files(amount.media_count)})`,
        ]
      : [];
  });
  return parts.length === 0
    ? ""
    : `Synapse deletes by itself (media_retention): ${parts.join(", and ")}.`;
}

/** @param {number} ms */
function duration(ms) {
  return ms < DAY ? files(Math.ceil(ms / HOUR), "hour") : files(Math.round(ms / DAY), "day");
}
