// The parts of the chart: days, weeks or months, asked for of each source, and merged.

import { now } from "./clock.js";
import { DAY, NOTHING, days, sum } from "./format.js";

/** @typedef {import("./format.js").Usage} Usage */
/** @typedef {import("./sources.js").Source} Source */
/** @typedef {"day"|"week"|"month"} Interval */

// A chart of fewer weeks says little, one of more cannot be read.
const FEW_WEEKS = 5;
const MANY_WEEKS = 500;

/**
 * @typedef {object} Span
 * @property {string} date of the first day
 * @property {number} from_ts
 * @property {number} until_ts
 *
 * @typedef {Usage & Span} Bucket as the API has it
 *
 * @typedef {object} Timeline as the API answers
 * @property {Bucket[]} buckets
 * @property {Usage} before the files that are older than the first bucket
 * @property {Usage} after the files that are newer than the last one, so in the future
 *
 * @typedef {object} Answer
 * @property {Interval} interval
 * @property {Timeline[]} timelines of each source
 * @property {Usage[]} before each source's files from before the time range
 */

/**
 * @typedef {object} Amounts by source
 * @property {Record<string, Usage>} added in this part
 * @property {Record<string, Usage>} total from the beginning up to the end of this part
 *
 * @typedef {Span & Amounts} Row
 */

/**
 * @typedef {object} Question
 * @property {import("./api.js").Query} scope
 * @property {""|Interval} interval "" to choose one that fits
 * @property {boolean} before whether to ask for the files before the time range
 */

/**
 * @param {import("./api.js").Api} api
 * @param {Source[]} sources
 * @param {Question} question
 * @param {import("./api.js").Asking} asking
 * @returns {Promise<Answer>}
 */
export async function load(api, sources, { scope, interval, before }, asking) {
  /** @type {(query: import("./api.js").Query) => Promise<Timeline[]>} */
  const ask = (query) =>
    Promise.all(sources.map(({ source }) => api.get("timeline", { ...query, source }, asking)));
  const until = Number(scope.from_ts) - 1;
  const earlier = before
    ? ask({ ...scope, from_ts: undefined, until_ts: until, interval: "month" })
    : Promise.resolve([]);
  const asked = interval || usual(scope);
  const [first, old] = await Promise.all([ask({ ...scope, interval: asked }), earlier]);
  const better = interval ? asked : fitting(asked, first);
  return {
    interval: better,
    timelines: better === asked ? first : await ask({ ...scope, interval: better }),
    before: sources.map((_, index) =>
      index in old ? sum(old[index].before, ...old[index].buckets) : NOTHING,
    ),
  };
}

/**
 * The interval to begin with.
 *
 * @param {import("./api.js").Query} scope
 * @returns {Interval}
 */
export function usual({ from_ts: from, until_ts: until = now() }) {
  if (from === undefined) {
    return "week";
  }
  const length = (Number(until) - Number(from)) / DAY;
  return length <= 100 ? "day" : length <= 1000 ? "week" : "month";
}

/**
 * The one that fits, as the answer shows how far back it goes.
 *
 * @param {Interval} asked
 * @param {Timeline[]} timelines
 * @returns {Interval}
 */
function fitting(asked, timelines) {
  const number = Math.max(...timelines.map((each) => each.buckets.length));
  if (asked !== "week") {
    return asked;
  }
  return number < FEW_WEEKS ? "day" : number > MANY_WEEKS ? "month" : "week";
}

/** @param {Span} row */
export function nameOf({ date, from_ts: from, until_ts: until }) {
  return days(Math.max(from, Date.parse(date)), until);
}

/**
 * One row per part of the time range, with each source's files in it, and up to it.
 *
 * @param {Source[]} sources
 * @param {Bucket[][]} buckets of each source
 * @param {Usage[]} before of each source
 * @returns {Row[]}
 */
export function merge(sources, buckets, before) {
  /** @type {Map<string, Row>} */
  const rows = new Map();
  buckets.forEach((each, index) => {
    for (const bucket of each) {
      const row = rows.get(bucket.date) ?? {
        date: bucket.date,
        from_ts: bucket.from_ts,
        until_ts: bucket.until_ts,
        added: bySource(sources, () => NOTHING),
        total: {},
      };
      row.added[sources[index].source] = bucket;
      rows.set(bucket.date, row);
    }
  });
  const inOrder = [...rows.values()].sort((a, b) => Date.parse(a.date) - Date.parse(b.date));
  let total = bySource(sources, (index) => before[index]);
  for (const row of inOrder) {
    const upTo = total;
    total = bySource(sources, (_, source) => sum(upTo[source], row.added[source]));
    row.total = total;
  }
  return inOrder;
}

/**
 * @param {Source[]} sources
 * @param {(index: number, source: string) => Usage} value
 * @returns {Record<string, Usage>}
 */
function bySource(sources, value) {
  return Object.fromEntries(sources.map(({ source }, index) => [source, value(index, source)]));
}

/**
 * @param {number} start
 * @param {Interval} interval
 */
export function endOf(start, interval) {
  if (interval !== "month") {
    return start + (interval === "week" ? 7 : 1) * DAY;
  }
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
