// Other tabs with the same session: messages to them, and one of them at a time.

const NAME = "media_stats";

/** Null where the browser keeps nothing for this page.
 * @type {BroadcastChannel|null} */
const channel = open();

function open() {
  try {
    return new BroadcastChannel(NAME);
  } catch {
    return null;
  }
}

/** @param {object} message */
export function tellOtherTabs(message) {
  channel?.postMessage(message);
}

/** @param {(message: any) => void} listener */
export function onMessage(listener) {
  channel?.addEventListener("message", ({ data }) => listener(data));
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function oneTabAtATime(work) {
  // There are no locks without HTTPS.
  if (!navigator.locks) {
    return work();
  }
  try {
    return await navigator.locks.request(NAME, work);
  } catch (error) {
    if (error instanceof DOMException && error.name === "SecurityError") {
      // The browser keeps nothing for this page.
      return work();
    }
    throw error;
  }
}
