// The state of the view is in the URL's fragment: time range, order, search, page, and the
// open user or server. So links, Back and Reload work.

/** @typedef {Record<string, string>} Changes values by name; "" takes one out */

/**
 * @typedef {object} SetOptions
 * @property {boolean} [replace] whether Back skips the view before
 * @property {boolean} [opens] whether a dialog opens; see `close`
 */

export class Address {
  /** @type {(() => void)[]} */
  #listeners = [];
  #onMove = () => this.#tell();

  constructor() {
    // Back, Forward, or a link to another fragment of this page.
    addEventListener("popstate", this.#onMove);
  }

  /**
   * @param {() => void} listener called after every change
   */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  remove() {
    removeEventListener("popstate", this.#onMove);
    this.#listeners = [];
  }

  /**
   * @param {string} name
   * @returns {string} "" if there is none
   */
  get(name) {
    return read().get(name) ?? "";
  }

  /**
   * @template {string} T
   * @param {string} name
   * @param {readonly T[]} allowed the first is the default
   * @returns {T}
   */
  choice(name, allowed) {
    const value = this.get(name);
    return allowed.find((each) => each === value) ?? allowed[0];
  }

  /**
   * @param {string} name
   * @param {number} fallback
   * @returns {number} an integer, not negative
   */
  integer(name, fallback) {
    const value = this.get(name);
    return /^\d{1,15}$/.test(value) ? Number(value) : fallback;
  }

  /**
   * The URL of this view with some changes.
   *
   * @param {Changes} changes
   */
  href(changes) {
    const values = read();
    for (const [name, value] of Object.entries(changes)) {
      values.delete(name);
      if (value !== "") {
        values.set(name, value);
      }
    }
    return urlOf(values);
  }

  /**
   * Changes the view.
   *
   * @param {Changes} changes
   * @param {SetOptions} [options]
   */
  set(changes, { replace = false, opens = false } = {}) {
    const url = this.href(changes);
    if (url === location.pathname + location.search + location.hash) {
      return;
    }
    if (replace) {
      history.replaceState(history.state, "", url);
    } else {
      history.pushState(opens ? "opened" : null, "", url);
    }
    this.#tell();
  }

  /**
   * Closes a dialog that `set` opened: goes back in the history, if that leads there.
   *
   * @param {string[]} names
   */
  close(names) {
    if (names.every((name) => this.get(name) === "")) {
      return;
    }
    if (history.state === "opened") {
      history.back();
    } else {
      this.set(Object.fromEntries(names.map((name) => [name, ""])), { replace: true });
    }
  }

  #tell() {
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

function read() {
  return new URLSearchParams(location.hash.slice(1));
}

/** @param {URLSearchParams} values */
function urlOf(values) {
  // User IDs stay readable. A fragment may hold these.
  const text = values.toString().replaceAll("%40", "@").replaceAll("%3A", ":");
  return location.pathname + location.search + (text && `#${text}`);
}
