// The links to the parts of the page, which stay on top of it.

import { el, find, focusHeading } from "./dom.js";
import { viewLink } from "./link.js";

/** The parts' classes. */
const LABELS = {
  users: "Users",
  servers: "Servers",
  timeline: "By date",
  appservices: "Who uploads",
  types: "Types",
  reclaimable: "What could be deleted",
  duplicates: "Duplicates",
  files: "Files",
};

// A person who does one of these looks elsewhere.
const MOVES = ["wheel", "pointerdown", "touchstart", "keydown", "popstate"];

export class Navigation {
  #page;
  #address;
  #resizes;
  /** The part to stay at while the parts above it are loading.
   * @type {HTMLElement|null} */
  #target = null;
  #leave = () => {
    this.#target = null;
  };

  /**
   * @param {HTMLElement} page
   * @param {import("./address.js").Address} address
   */
  constructor(page, address) {
    this.#page = page;
    this.#address = address;
    const links = Object.entries(LABELS).map(([at, label]) =>
      el("li", { "data-at": at }, viewLink(address, () => ({ at }), {}, {}, label)),
    );
    find(page, ".navigation ul").append(...links);
    const bars = [".navigation", ".range"].map((selector) => find(page, selector));
    this.#resizes = new ResizeObserver(() => {
      // The bars must not cover the focused element or the target of a link.
      const sticky = bars.filter((bar) => getComputedStyle(bar).position === "sticky");
      const height = sticky.reduce((sum, bar) => sum + bar.offsetHeight, 0);
      document.documentElement.style.scrollPaddingTop = `${height + 12}px`;
      this.#target?.scrollIntoView();
      if (main.querySelector('.content[aria-busy="true"]') === null) {
        this.#leave();
      }
    });
    const main = find(page, "main");
    for (const each of [...bars, main]) {
      this.#resizes.observe(each);
    }
    for (const move of MOVES) {
      addEventListener(move, this.#leave, { passive: true });
    }
  }

  remove() {
    this.#resizes.disconnect();
    for (const move of MOVES) {
      removeEventListener(move, this.#leave);
    }
    document.documentElement.style.scrollPaddingTop = "";
  }

  /** Goes where the address says, once. */
  update() {
    const at = this.#address.get("at");
    if (!(at in LABELS)) {
      return;
    }
    this.#address.set({ at: "" }, { replace: true });
    /** @type {HTMLElement} */
    const section = find(this.#page, `main section.${at}`);
    section.scrollIntoView();
    focusHeading(section);
    this.#target = section;
  }
}
