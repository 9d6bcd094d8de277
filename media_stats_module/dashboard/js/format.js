// Numbers and times as people read them. Times are UTC, as everywhere in the API.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const NUMBER = new Intl.NumberFormat("en");
const PERCENT = new Intl.NumberFormat("en", {
  style: "percent",
  maximumFractionDigits: 1,
});

/** 1536 → "1.50 KiB": always three digits, so that a column compares. */
export function bytes(size) {
  const [value, unit] = scaled(size);
  return `${unit === "B" ? value : value.toPrecision(3)} ${unit}`;
}

/** 1536 → "1.5 KiB" */
export function shortBytes(size) {
  const [value, unit] = scaled(size);
  return `${Number(value.toPrecision(3))} ${unit}`;
}

function scaled(size) {
  let unit = 0;
  let value = size;
  // Not 1000 to 1023 KiB, which have four digits.
  while (value >= (unit === 0 ? 1024 : 999.5) && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return [value, UNITS[unit]];
}

/** To the byte. */
export function exactBytes(size) {
  return `${NUMBER.format(size)} ${size === 1 ? "byte" : "bytes"}`;
}

export function count(number) {
  return NUMBER.format(number);
}

/** "1 file", "2 files" */
export function files(number) {
  return `${NUMBER.format(number)} ${number === 1 ? "file" : "files"}`;
}

export function share(part, whole) {
  if (whole === 0 || part === 0) {
    return "0%";
  }
  return part / whole < 0.001 ? "<0.1%" : PERCENT.format(part / whole);
}

/** 2026-11-23 */
export function day(ms) {
  return iso(ms).slice(0, 10);
}

/** 2026-11-23 15:04 */
export function minute(ms) {
  return iso(ms).slice(0, 16).replace("T", " ");
}

function iso(ms) {
  const date = new Date(ms);
  // A server can have stored any number.
  return Number.isNaN(date.valueOf()) ? "unknown" : date.toISOString();
}
