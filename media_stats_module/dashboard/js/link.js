// Links to another view of this page. They are real: a middle click opens a tab, and the
// address can be copied.

import { el } from "./dom.js";

/**
 * @param {import("./address.js").Address} address
 * @param {() => import("./address.js").Changes} changes the differences of that view
 * @param {Record<string, string|boolean|undefined>} attributes
 * @param {import("./address.js").SetOptions} options how a click changes the address
 * @param {...(Node|string)} children
 * @returns {HTMLAnchorElement}
 */
export function viewLink(address, changes, attributes, options, ...children) {
  const link = /** @type {HTMLAnchorElement} */ (el("a", attributes, ...children));
  const aim = () => {
    link.href = address.href(changes());
  };
  aim();
  // The rest of the view may have changed since.
  link.addEventListener("pointerenter", aim);
  link.addEventListener("focus", aim);
  link.addEventListener("click", (event) => {
    if (event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      address.set(changes(), options);
    }
  });
  return link;
}
