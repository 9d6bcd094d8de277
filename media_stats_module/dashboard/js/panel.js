// A part of the page that shows an answer of the API: its states, and no more.

import { el } from "./dom.js";

export class Panel {
  #section;
  #content;
  #load;
  #show;
  #controller = new AbortController();

  /**
   * @param {HTMLElement} section whose `.content` shows the answer
   * @param {(signal: AbortSignal) => Promise<any>} load asks for it
   * @param {(answer: any) => void} show
   */
  constructor(section, load, show) {
    this.#section = section;
    this.#content = section.querySelector(".content");
    this.#load = load;
    this.#show = show;
  }

  /** Asks again. What was asked before, and is not yet answered, is aborted. */
  async reload() {
    this.#controller.abort();
    const controller = new AbortController();
    this.#controller = controller;
    this.#content.setAttribute("aria-busy", "true");
    try {
      const answer = await this.#load(controller.signal);
      if (controller.signal.aborted) {
        return;
      }
      this.#problem(null);
      this.#show(answer);
    } catch (error) {
      if (error.name === "AbortError") {
        return;
      }
      this.#problem(error);
    }
    this.#content.setAttribute("aria-busy", "false");
  }

  /** Aborts what is under way. */
  stop() {
    this.#controller.abort();
  }

  #problem(error) {
    this.#section.querySelector(":scope > .error")?.remove();
    this.#content.classList.toggle("stale", error !== null);
    if (error !== null) {
      this.#content.before(
        el(
          "div",
          { class: "error", role: "alert" },
          el("p", {}, `This could not be loaded: ${error.message}`),
          el("button", { type: "button", onclick: () => this.reload() }, "Try again"),
        ),
      );
    }
  }
}
