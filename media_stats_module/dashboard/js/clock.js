// The time as the server has it. A browser's clock may be wrong, and time ranges are
// asked from the server.

import { DAY } from "./format.js";

// A smaller difference can come from the time that an answer takes.
const TOLERANCE_MS = 60_000;

let ahead = 0;
let knownDay = today();
/** @type {(() => void)[]} */
let listeners = [];

/** The server's time, in ms since the epoch. */
export function now() {
  return Date.now() + ahead;
}

/** The start of the server's day, in UTC. */
export function today() {
  return Math.floor(now() / DAY) * DAY;
}

/**
 * Learns the time from an answer of the server.
 *
 * @param {Response} response
 */
export function learn(response) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) {
    return;
  }
  const difference = date - Date.now();
  ahead = Math.abs(difference) > TOLERANCE_MS ? difference : 0;
  if (today() !== knownDay) {
    knownDay = today();
    for (const listener of listeners) {
      listener();
    }
  }
}

/**
 * @param {() => void} listener called when an answer shows that this is another day: after
 *   midnight, or because the browser's clock is wrong
 * @returns {() => void} stops that
 */
export function onOtherDay(listener) {
  listeners.push(listener);
  return () => {
    listeners = listeners.filter((each) => each !== listener);
  };
}
