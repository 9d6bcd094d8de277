// Makes elements. Text is always text: nothing here, or elsewhere, parses markup.

/**
 * @typedef {string|number|boolean|null|undefined} Attribute
 * @typedef {(event: Event) => void} Listener
 */

/**
 * @param {string} name of the element
 * @param {Record<string, Attribute|Listener>} attributes by name; those that are
 *   undefined, null or false are left out, and `onclick` is a listener
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(attribute.slice(2), value);
    } else if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(attribute, value === true ? "" : String(value));
    }
  }
  element.append(...children);
  return element;
}

/**
 * The element that a selector finds. It must be there.
 *
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {T}
 */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (found === null) {
    throw new Error(`Nothing is ${selector}`);
  }
  return /** @type {any} */ (found);
}

/**
 * A copy of a template of index.html.
 *
 * @param {string} id
 * @returns {DocumentFragment}
 */
export function fromTemplate(id) {
  const template = /** @type {HTMLTemplateElement} */ (find(document, `#${id}`));
  return /** @type {DocumentFragment} */ (template.content.cloneNode(true));
}

/**
 * Shows this and nothing else.
 *
 * @param {...Node} nodes
 */
export function showPage(...nodes) {
  find(document, "#page").replaceChildren(...nodes);
}

/**
 * Tells a screen reader.
 *
 * @param {string} text
 */
export function announce(text) {
  find(document, "#status").textContent = text;
}

/**
 * Checks the radio button that has a value, among those of a name.
 *
 * @param {ParentNode} root
 * @param {string} name
 * @param {string} value
 */
export function check(root, name, value) {
  for (const input of root.querySelectorAll(`input[name="${name}"]`)) {
    const radio = /** @type {HTMLInputElement} */ (input);
    radio.checked = radio.value === value;
  }
}

/**
 * Selects a value, also one that is not among the options (an address can say any).
 *
 * @param {Element} element a `select`
 * @param {string} value
 * @param {string} label of a value that is not among the options
 */
export function select(element, value, label) {
  const box = /** @type {HTMLSelectElement} */ (element);
  if (![...box.options].some((option) => option.value === value)) {
    box.append(el("option", { value }, label));
  }
  box.value = value;
}

/**
 * Whether a button can be used. Not `disabled`, which would take the keyboard's focus.
 *
 * @param {Element} button
 * @param {boolean} enabled
 */
export function enable(button, enabled) {
  button.setAttribute("aria-disabled", String(!enabled));
}

/**
 * @param {Element} button
 * @returns {boolean}
 */
export function isEnabled(button) {
  return button.getAttribute("aria-disabled") !== "true";
}

/**
 * Changes a section. If the change removes the element with the keyboard's focus, the
 * section's heading gets it.
 *
 * @param {HTMLElement} section
 * @param {() => void} change
 */
export function keepFocus(section, change) {
  const focused = /** @type {HTMLElement|null} */ (document.activeElement);
  const isIn = section.contains(focused);
  change();
  const isLost = [focused, document.body].includes(/** @type {any} */ (document.activeElement));
  if (isIn && isLost && focused?.getClientRects().length === 0) {
    focusHeading(section);
  }
}

/** @param {HTMLElement} section */
export function focusHeading(section) {
  const around = section.closest("section, dialog") ?? section;
  const heading = /** @type {HTMLElement} */ (find(around, "h2, h3"));
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}
