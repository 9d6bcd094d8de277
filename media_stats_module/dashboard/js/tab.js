// The data that this tab keeps until it is closed.

/** Where the browser keeps nothing for this page: until it is loaded again.
 * @type {Map<string, string>} */
const memory = new Map();

/** @param {string} name */
export function recall(name) {
  const kept = memory.get(name);
  if (kept !== undefined) {
    return kept;
  }
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 * @returns {boolean} whether it is still there when the page is loaded again
 */
export function keep(name, value) {
  forget(name);
  try {
    sessionStorage.setItem(name, value);
    return true;
  } catch {
    // The browser blocks it, or it is full.
    memory.set(name, value);
    return false;
  }
}

/** @param {string} name */
export function forget(name) {
  memory.delete(name);
  try {
    sessionStorage.removeItem(name);
  } catch {
    // It keeps nothing.
  }
}
