// CSV: fetched with the token, then handed to the browser as a file.

import { announce } from "./dom.js";

/**
 * Makes a button download what it is told.
 *
 * @param {HTMLButtonElement} button
 * @param {string} name of the file
 * @param {() => Promise<Blob>} fetchCsv
 */
export function downloads(button, name, fetchCsv) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") {
      return;
    }
    button.setAttribute("aria-busy", "true");
    button.classList.remove("failed");
    try {
      save(await fetchCsv(), name);
      announce(`${name} downloaded`);
    } catch (error) {
      if (error.name !== "AbortError") {
        button.classList.add("failed");
        button.title = error.message;
        announce(`${name} could not be downloaded: ${error.message}`);
      }
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has taken it over by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
