// Who uploads, as a filter of users and of files: people, a bridge, accounts that are gone.

import { name } from "./names.js";

/** Users whom no application service registered. */
export const PEOPLE = "people";
export const WITHOUT_ACCOUNT = "no_account";
export const DEACTIVATED = "deactivated";
const BRIDGE = "appservice:";

/** @param {string} id of an application service */
export function ofBridge(id) {
  return BRIDGE + id;
}

/**
 * The API's parameters for the filter.
 *
 * @param {string} who
 * @returns {import("./api.js").Query}
 */
export function whoQuery(who) {
  if (who.startsWith(BRIDGE)) {
    return { appservice: who.slice(BRIDGE.length) };
  }
  return (
    {
      [PEOPLE]: { appservice: null },
      [WITHOUT_ACCOUNT]: { has_account: false },
      [DEACTIVATED]: { deactivated: true },
    }[who] ?? {}
  );
}

/**
 * The same in words.
 *
 * @param {string} who
 * @returns {Node|null} null without the filter
 */
export function whoInWords(who) {
  if (who.startsWith(BRIDGE)) {
    return name(who.slice(BRIDGE.length));
  }
  const words = { [PEOPLE]: "People", [WITHOUT_ACCOUNT]: "No account", [DEACTIVATED]: "Deactivated" }[who];
  return words === undefined ? null : name(words);
}
