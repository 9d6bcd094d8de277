// CSV: fetched with the token, then handed to the browser as a file.

import { announce, el } from "./dom.js";
import { ApiError, isAbort } from "./http.js";

/**
 * Makes a button download a file.
 *
 * @param {HTMLElement} button
 * @param {() => string} name of the file
 * @param {() => Promise<Blob>|null} fetchCsv null while the question is not known
 */
export function downloads(button, name, fetchCsv) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") {
      return;
    }
    const csv = fetchCsv();
    if (csv === null) {
      return;
    }
    button.setAttribute("aria-busy", "true");
    tellFailure(button, "");
    const file = name();
    try {
      save(await csv, file);
      announce(`${file} downloaded`);
    } catch (error) {
      if (error instanceof ApiError) {
        tellFailure(button, `${file} could not be downloaded: ${error.message}`);
      } else if (!isAbort(error)) {
        throw error;
      }
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

/**
 * The same for the buttons of a section, one for each source of media.
 *
 * @param {HTMLElement} section
 * @param {string} name of the files
 * @param {(source: string) => Promise<Blob>} fetchCsv
 */
export function downloadsOfSources(section, name, fetchCsv) {
  for (const button of section.querySelectorAll(".csv[data-source]")) {
    const source = button.getAttribute("data-source") ?? "";
    button.setAttribute("aria-label", `${button.textContent} files: ${name}`);
    downloads(
      /** @type {HTMLElement} */ (button),
      () => `${name}-${source}.csv`,
      () => fetchCsv(source),
    );
  }
}

/**
 * A name for a file, of any text.
 *
 * @param {string} text
 */
export function fileName(text) {
  return text.replace(/[^\p{L}\p{N}._=-]+/gu, "_").slice(0, 100);
}

/**
 * @param {HTMLElement} button
 * @param {string} text
 */
function tellFailure(button, text) {
  button.parentElement?.querySelector(".csv-failed")?.remove();
  if (text !== "") {
    button.parentElement?.append(el("p", { class: "csv-failed small" }, text));
    announce(text);
  }
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has taken it over by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
