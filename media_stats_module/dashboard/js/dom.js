// Making elements. Text is always text: nothing here, or elsewhere, parses markup.

/**
 * @param {string} name of the element
 * @param {object} attributes by name; those that are undefined, null or false are left
 *   out, and `onclick` is a listener
 * @param {...(Node|string)} children
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute === "onclick") {
      element.addEventListener("click", value);
    } else if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(attribute, value === true ? "" : value);
    }
  }
  element.append(...children);
  return element;
}

/** A copy of what is in a template of index.html, in a fragment. */
export function fromTemplate(id) {
  return document.getElementById(id).content.cloneNode(true);
}

/** Shows this and nothing else. */
export function showPage(...nodes) {
  document.getElementById("page").replaceChildren(...nodes);
}

/** Tells a screen reader. */
export function announce(text) {
  document.getElementById("status").textContent = text;
}

/** The radio button that is checked, among those of a name. */
export function chosen(root, name) {
  return root.querySelector(`input[name="${name}"]:checked`).value;
}
