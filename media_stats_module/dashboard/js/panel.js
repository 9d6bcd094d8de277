// A part of the page that shows an answer of the API, and what happens until it is there.

import { announce, el, find } from "./dom.js";
import { files } from "./format.js";
import { ApiError, isAbort } from "./http.js";

// A person is told about what takes longer.
const SLOW_MS = 2000;
const TICK_MS = 500;

/**
 * @template Query, Answer
 * @typedef {object} PanelOptions
 * @property {string} what the server does meanwhile, such as "Adding up files by user"
 * @property {() => Query|null} query what to ask now; null if it is not to be asked
 * @property {(query: Query, signal: AbortSignal) => Promise<Answer>} load
 * @property {(answer: Answer, query: Query) => void} show
 * @property {(error: ApiError) => string} [explain] puts an error into words
 */

/** @template Query, Answer */
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

  /** Asks if something else is to be asked than before. */
  update() {
    const query = this.#options.query();
    if (query !== null && JSON.stringify(query) !== this.#asked) {
      this.reload();
    } else if (query === null) {
      this.stop();
      this.#asked = null;
    }
  }

  /** Asks, unless nothing is to be asked. */
  reload() {
    this.again();
  }

  /** The same; what extends this class may have `reload` do more. */
  async again() {
    const query = this.#options.query();
    this.stop();
    if (query === null) {
      return;
    }
    this.#asked = JSON.stringify(query);
    const controller = new AbortController();
    this.#controller = controller;
    this.#busy(true);
    const started = Date.now();
    this.#timer = setInterval(() => this.#tellSlow(started), TICK_MS);
    let answer;
    try {
      answer = await this.#options.load(query, controller.signal);
    } catch (error) {
      if (controller === this.#controller && !isAbort(error)) {
        this.#clear();
        this.#tellFailure(error);
      }
      return;
    }
    if (controller === this.#controller) {
      this.#clear();
      this.#busy(false);
      this.#options.show(answer, query);
    }
  }

  /** Aborts what is under way. */
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
    this.#section.querySelector(":scope > .note")?.remove();
    this.#content.classList.remove("stale");
  }

  /** @param {number} started */
  #tellSlow(started) {
    const waited = Date.now() - started;
    if (waited < SLOW_MS) {
      return;
    }
    const text = `${this.#options.what} for ${files(Math.floor(waited / 1000), "second")}.`;
    const note = this.#section.querySelector(":scope > .note p");
    if (note !== null) {
      note.textContent = text;
      return;
    }
    this.#note("slow", text, [["Stop", () => this.#stopAndTell()]]);
    announce(`${this.#options.what}`);
  }

  #stopAndTell() {
    this.stop();
    this.#content.classList.add("stale");
    this.#note("stopped", "Stopped.", [["Start again", () => this.again()]]).focus();
  }

  /** @param {unknown} error */
  #tellFailure(error) {
    if (!(error instanceof ApiError)) {
      this.#busy(false);
      throw error;
    }
    if (error.status === 503 && error.retryAfterMs !== null) {
      this.#tryLater(error, Date.now() + error.retryAfterMs);
      return;
    }
    this.#busy(false);
    this.#content.classList.add("stale");
    const reason = this.#options.explain?.(error) ?? error.message;
    this.#note("error", `This could not be loaded: ${reason}`, [
      ["Try again", () => this.again()],
    ]);
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
      ["Try now", () => this.again()],
      ["Stop", () => this.#stopAndTell()],
    ]);
    announce(`The server is busy: ${error.message}`);
    this.#timer = setInterval(() => {
      if (Date.now() >= at) {
        this.again();
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
    const made = buttons.map(([label, onclick]) => el("button", { type: "button", onclick }, label));
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
