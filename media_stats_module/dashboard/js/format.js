// Numbers and times as people read them. Times are UTC, as everywhere in the API.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const NUMBER = new Intl.NumberFormat("en");
const PERCENT = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

export const DAY = 24 * 60 * 60 * 1000;

/**
 * @typedef {object} Usage an amount of files, as the API puts it
 * @property {number} media_count
 * @property {number} media_length in bytes
 */

/** @type {Readonly<Usage>} */
export const NOTHING = Object.freeze({ media_count: 0, media_length: 0 });

/**
 * @param {...Usage} parts
 * @returns {Usage}
 */
export function sum(...parts) {
  return {
    media_count: parts.reduce((all, part) => all + part.media_count, 0),
    media_length: parts.reduce((all, part) => all + part.media_length, 0),
  };
}

/**
 * 1536 → "1.50 KiB": always three digits, so that a column compares.
 *
 * @param {number} size
 */
export function bytes(size) {
  const { value, unit } = scaled(size);
  return `${unit === "B" ? value : value.toPrecision(3)} ${unit}`;
}

/**
 * 1536 → "1.5 KiB"
 *
 * @param {number} size
 */
export function shortBytes(size) {
  const { value, unit } = scaled(size);
  return `${Number(value.toPrecision(3))} ${unit}`;
}

/** @param {number} size */
function scaled(size) {
  let unit = 0;
  let value = size;
  // Not 1000 to 1023 KiB, which have four digits.
  while (value >= (unit === 0 ? 1024 : 999.5) && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return { value, unit: UNITS[unit] };
}

/**
 * To the byte.
 *
 * @param {number} size
 */
export function exactBytes(size) {
  return `${NUMBER.format(size)} ${size === 1 ? "byte" : "bytes"}`;
}

/** @param {number} number */
export function count(number) {
  return NUMBER.format(number);
}

/**
 * "1 file", "2 files"
 *
 * @param {number} number
 * @param {string} [one] the noun
 */
export function files(number, one = "file") {
  return `${NUMBER.format(number)} ${one}${number === 1 ? "" : "s"}`;
}

/**
 * @param {number} part
 * @param {number} whole
 */
export function share(part, whole) {
  if (whole === 0 || part === 0) {
    return PERCENT.format(0);
  }
  return part / whole < 0.001 ? "<0.1%" : PERCENT.format(part / whole);
}

/**
 * 2026-11-23
 *
 * @param {number} ms
 */
export function day(ms) {
  return iso(ms).split("T", 1)[0];
}

/**
 * 2026-11-23 15:04
 *
 * @param {number} ms
 */
export function minute(ms) {
  return iso(ms).replace(/:\d\d\.\d+Z$/, "").replace("T", " ");
}

/**
 * "2026-11-23", or "2026-11-17 to 2026-11-23"
 *
 * @param {number} from
 * @param {number} until
 */
export function days(from, until) {
  const [first, last] = [day(from), day(until)];
  return first === last ? first : `${first} to ${last}`;
}

/** @param {number} ms */
function iso(ms) {
  const date = new Date(ms);
  // A server can have stored any number.
  return Number.isNaN(date.valueOf()) ? "unknown" : date.toISOString();
}
