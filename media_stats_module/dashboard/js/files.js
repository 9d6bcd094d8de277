// The files of one user or server: the largest, oldest or longest unread of them.

import { downloads } from "./download.js";
import { el } from "./dom.js";
import { bytes, exactBytes, minute } from "./format.js";
import { Panel } from "./panel.js";

const PAGE = 20;

/**
 * @param {HTMLElement} section
 * @param {import("./api.js").Api} api
 * @param {object} scope what to ask with
 * @param {string} name of the file to download
 * @returns {Panel}
 */
export function filesPanel(section, api, scope, name) {
  const find = (selector) => section.querySelector(selector);
  const [head, body] = [find("thead"), find("tbody")];
  const [order, more] = [find(".order"), find(".more")];
  // Where the next page begins; undefined to begin with the first.
  let next;

  const query = () => {
    const [orderBy, dir] = order.value.split(" ");
    return { ...scope, order_by: orderBy, dir };
  };
  const panel = new Panel(
    section,
    (signal) => api.get("files", { ...query(), limit: PAGE, from: next }, signal),
    (answer) => {
      if (next === undefined) {
        body.replaceChildren();
      }
      body.append(...answer.files.map(row));
      if (body.childElementCount === 0) {
        body.append(el("tr", {}, el("td", { class: "empty", colspan: 5 }, "No files.")));
      }
      next = answer.next_token;
      more.hidden = next === undefined;
    },
  );
  head.append(
    el(
      "tr",
      {},
      el("th", { scope: "col" }, "File"),
      el("th", { scope: "col" }, "Type"),
      el("th", { scope: "col", class: "number" }, "Size"),
      el("th", { scope: "col" }, "Created (UTC)"),
      el("th", { scope: "col" }, "Last read (UTC)"),
    ),
  );
  order.addEventListener("change", () => {
    next = undefined;
    panel.reload();
  });
  more.addEventListener("click", () => panel.reload());
  downloads(find(".csv"), name, () => api.getCsv("files", query()));
  return panel;
}

function row(file) {
  const marks = [
    file.quarantined_by && "quarantined",
    file.safe_from_quarantine && "protected",
    file.url_preview && "URL preview",
  ].filter(Boolean);
  const read = file.last_access_ts;
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      el("bdi", { class: "name" }, file.upload_name ?? "Unnamed"),
      ...marks.map((mark) => el("span", { class: "mark" }, mark)),
      el("code", { class: "quiet small" }, file.mxc),
    ),
    el("td", {}, el("bdi", {}, file.media_type ?? "–")),
    el("td", { class: "number", title: exactBytes(file.media_length) }, bytes(file.media_length)),
    el("td", {}, minute(file.created_ts)),
    el("td", {}, read === null ? "never" : minute(read)),
  );
}
