// The links to the parts of the page, which stay on top of it.

import { el, find, focusHeading } from "./dom.js";
import { viewLink } from "./link.js";

/** The parts' classes. */
const LABELS = {
  users: "Users",
  servers: "Servers",
  timeline: "By date",
  types: "Types",
  reclaimable: "What could be deleted",
  files: "Files",
};

export class Navigation {
  #page;
  #address;
  #resizes;

  /**
   * @param {HTMLElement} page
   * @param {import("./address.js").Address} address
   */
  constructor(page, address) {
    this.#page = page;
    this.#address = address;
    const links = Object.entries(LABELS).map(([at, label]) =>
      el("li", {}, viewLink(address, () => ({ at }), {}, {}, label)),
    );
    find(page, ".navigation ul").append(...links);
    const bars = [".navigation", ".range"].map((selector) => find(page, selector));
    // The bars must not cover the focused element or the target of a link.
    this.#resizes = new ResizeObserver(() => {
      const sticky = bars.filter((bar) => getComputedStyle(bar).position === "sticky");
      const height = sticky.reduce((sum, bar) => sum + bar.offsetHeight, 0);
      document.documentElement.style.scrollPaddingTop = `${height + 12}px`;
    });
    for (const bar of bars) {
      this.#resizes.observe(bar);
    }
  }

  remove() {
    this.#resizes.disconnect();
    document.documentElement.style.scrollPaddingTop = "";
  }

  /** Goes where the address says, once. */
  update() {
    const at = this.#address.get("at");
    if (!(at in LABELS)) {
      return;
    }
    this.#address.set({ at: "" }, { replace: true });
    const section = find(this.#page, `main section.${at}`);
    section.scrollIntoView();
    focusHeading(section);
  }
}
