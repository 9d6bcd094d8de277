// Local and remote media, and their names on the page.

/**
 * @typedef {object} Source
 * @property {"local"|"remote"} source as the API names it
 * @property {string} label
 */

/** @type {Source[]} */
export const SOURCES = [
  { source: "local", label: "Local" },
  { source: "remote", label: "Remote" },
];

/** @param {"local"|"remote"} source */
export function labelOf(source) {
  return source === "local" ? "Local" : "Remote";
}
