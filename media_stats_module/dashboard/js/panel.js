// A part of the page that shows an answer of the API: waiting, errors and retries.

import { announce, el, find, keepFocus } from "./dom.js";
import { files } from "./format.js";
import { ApiError, isAbort } from "./http.js";

// After this time, the page says what it waits for.
const SLOW_MS = 2000;
const TICK_MS = 500;

/**
 * A part of the page.
 *
 * @typedef {object} Part
 * @property {() => void} update updates the view from the address; asks if necessary
 * @property {() => void} reload asks again
 * @property {() => void} stop aborts running requests
 */

/**
 * @template Query, Answer
 * @typedef {object} PanelOptions
 * @property {string} what the server's work meanwhile, such as "Adding up files by user"
 * @property {() => Query|null} query the question now; null to ask nothing
 * @property {(query: Query, asking: import("./api.js").Asking) => Promise<Answer>} load
 * @property {(answer: Answer, query: Query) => void} show
 * @property {(error: ApiError) => string} [explain] puts an error into words
 */

/**
 * @template Query, Answer
 * @implements {Part}
 */
export class Panel {
  #section;
  #content;
  #options;
  #controller = new AbortController();
  #timer = 0;
  /** @type {string|null} */
  #asked = null;

  /**
   * @param {HTMLElement} section whose `.content` shows the answer
   * @param {PanelOptions<Query, Answer>} options
   */
  constructor(section, options) {
    this.#section = section;
    this.#content = find(section, ".content");
    this.#options = options;
  }

  /** Asks, if the question has changed. */
  update() {
    const query = this.#options.query();
    if (query === null) {
      this.stop();
      this.#asked = null;
    } else if (JSON.stringify(query) !== this.#asked) {
      this.reload();
    }
  }

  /** Asks, if there is a question. */
  async reload() {
    const query = this.#options.query();
    this.stop();
    if (query === null) {
      return;
    }
    this.#asked = JSON.stringify(query);
    const controller = new AbortController();
    this.#controller = controller;
    this.#busy(true);
    this.#waitForTurn();
    try {
      const answer = await this.#options.load(query, {
        signal: controller.signal,
        onSent: () => this.#waitForAnswer(controller),
      });
      if (controller === this.#controller) {
        this.#clear();
        this.#busy(false);
        keepFocus(this.#section, () => this.#options.show(answer, query));
        this.#content.classList.add("loaded");
      }
    } catch (error) {
      if (controller === this.#controller && !isAbort(error)) {
        this.#clear();
        this.#tellFailure(error);
      }
    }
  }

  /** Aborts running requests. */
  stop() {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#clear();
    this.#busy(false);
  }

  /** @param {boolean} busy */
  #busy(busy) {
    this.#content.setAttribute("aria-busy", String(busy));
  }

  #clear() {
    clearInterval(this.#timer);
    keepFocus(this.#section, () => this.#section.querySelector(":scope > .note")?.remove());
    this.#content.classList.remove("stale");
  }

  /** Only some questions are sent at once; see api.js. */
  #waitForTurn() {
    this.#tellSlow(() => "Waiting for this page’s other questions");
  }

  /** @param {AbortController} controller */
  #waitForAnswer(controller) {
    if (controller === this.#controller) {
      this.#tellSlow(() => this.#options.what);
    }
  }

  /** @param {() => string} what the server's work */
  #tellSlow(what) {
    const started = Date.now();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      const waited = Date.now() - started;
      if (waited < SLOW_MS) {
        return;
      }
      const text = `${what()} for ${files(Math.floor(waited / 1000), "second")}.`;
      const note = this.#section.querySelector(":scope > .note p");
      if (note !== null) {
        note.textContent = text;
        return;
      }
      this.#note("slow", text, [["Stop", () => this.#stopAndTell()]]);
      announce(what());
    }, TICK_MS);
  }

  #stopAndTell() {
    this.stop();
    this.#content.classList.add("stale");
    this.#note("stopped", "Stopped.", [["Start again", () => this.reload()]]).focus();
  }

  /** @param {unknown} error */
  #tellFailure(error) {
    if (error instanceof ApiError && error.status === 503 && error.retryAfterMs !== null) {
      this.#tryLater(error, Date.now() + error.retryAfterMs);
      return;
    }
    this.#busy(false);
    this.#content.classList.add("stale");
    this.#note("error", `This could not be loaded: ${this.#reasonOf(error)}`, [
      ["Try again", () => this.reload()],
    ]);
  }

  /** @param {unknown} error */
  #reasonOf(error) {
    if (error instanceof ApiError) {
      return this.#options.explain?.(error) ?? error.message;
    }
    // The answer lacks something, or the page has a bug.
    console.warn("Cannot show an answer:", error);
    return "The page does not understand the server’s answer.";
  }

  /**
   * @param {ApiError} error
   * @param {number} at
   */
  #tryLater(error, at) {
    const text = () => {
      const seconds = Math.max(0, Math.ceil((at - Date.now()) / 1000));
      return `The server is busy: ${error.message} Trying again in ${files(seconds, "second")}.`;
    };
    this.#note("busy", text(), [
      ["Try now", () => this.reload()],
      ["Stop", () => this.#stopAndTell()],
    ]);
    announce(`The server is busy: ${error.message}`);
    this.#timer = setInterval(() => {
      if (Date.now() >= at) {
        this.reload();
        return;
      }
      find(this.#section, ":scope > .note p").textContent = text();
    }, TICK_MS);
  }

  /**
   * @param {"slow"|"stopped"|"busy"|"error"} kind
   * @param {string} text
   * @param {[string, () => void][]} buttons
   * @returns {HTMLElement} the first button
   */
  #note(kind, text, buttons) {
    const { what } = this.#options;
    const made = buttons.map(([label, onclick]) =>
      el("button", { type: "button", onclick, "aria-label": `${label}: ${what}` }, label),
    );
    this.#content.before(
      el(
        "div",
        { class: `note ${kind}`, role: kind === "error" && "alert" },
        el("p", {}, text),
        el("div", { class: "tools" }, ...made),
      ),
    );
    return made[0];
  }
}
