// A command to copy into a terminal.

import { announce, el } from "./dom.js";

const SHOWN_MS = 2000;

/**
 * @param {string} text
 * @param {string} what the effect, such as "deletes these local files"
 * @returns {HTMLElement}
 */
export function command(text, what) {
  const code = el("pre", { tabindex: "0", role: "region", "aria-label": `Command that ${what}` }, text);
  const button = el(
    "button",
    { type: "button", class: "copy", "aria-label": `Copy the command that ${what}` },
    "Copy",
  );
  button.addEventListener("click", async () => {
    const copied = await copy(text, code);
    button.textContent = copied ? "Copied" : "Selected";
    announce(copied ? "Copied" : "The browser does not let this page copy. The command is selected.");
    setTimeout(() => {
      button.textContent = "Copy";
    }, SHOWN_MS);
  });
  return el("div", { class: "command" }, code, button);
}

/**
 * @param {string} text
 * @param {HTMLElement} code that shows it
 * @returns {Promise<boolean>} whether it is on the clipboard; else it is selected
 */
async function copy(text, code) {
  try {
    // Without HTTPS, there is no clipboard.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(code);
    return false;
  }
}
