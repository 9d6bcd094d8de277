// Sends requests, and turns every failure into one kind of error.

/**
 * @typedef {object} MatrixError as Matrix puts errors. A proxy may put anything there.
 * @property {unknown} [errcode]
 * @property {unknown} [error]
 * @property {unknown} [error_description] as OAuth 2.0 puts them
 * @property {unknown} [retry_after_ms]
 */

/** The server's answer was no success, or there was none. */
export class ApiError extends Error {
  /**
   * @param {number} status of HTTP; 0 if there was no answer
   * @param {MatrixError} body
   * @param {string|null} [retryAfter] the header, in seconds
   */
  constructor(status, body, retryAfter = null) {
    const text = [body.error_description, body.error].find((each) => each && typeof each === "string");
    super(String(text ?? `The server answered with status ${status}.`));
    this.status = status;
    this.errcode = typeof body.errcode === "string" ? body.errcode : undefined;
    const header = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : null;
    /** How long to wait, in ms; null if the server does not say. */
    this.retryAfterMs = typeof body.retry_after_ms === "number" ? body.retry_after_ms : header;
  }
}

/**
 * @param {unknown} error
 * @returns {boolean}
 */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/**
 * Whether the server does not accept the token, or its owner. A firewall or a proxy may
 * answer with the same status, but it has no error code of Matrix's.
 *
 * @param {ApiError} error
 */
export function isRefusal({ status, errcode }) {
  return (status === 401 || status === 403) && errcode !== undefined;
}

/**
 * @param {Response} response
 * @returns {Promise<any>} an object
 */
export async function readJson(response) {
  const answer = await read(response, () => response.json());
  if (typeof answer !== "object" || answer === null) {
    throw unreadable(response);
  }
  return answer;
}

/** @param {Response} response */
export async function readCsv(response) {
  const blob = await read(response, () => response.blob());
  if (!(response.headers.get("Content-Type") ?? "").startsWith("text/csv")) {
    throw unreadable(response);
  }
  return blob;
}

/**
 * @template T
 * @param {Response} response
 * @param {() => Promise<T>} readBody
 */
async function read(response, readBody) {
  try {
    return await readBody();
  } catch (error) {
    throw isAbort(error) ? error : unreadable(response);
  }
}

/** @param {Response} response */
function unreadable({ status }) {
  // Also a proxy's own page, such as one to sign in.
  return new ApiError(status, { error: "The answer was cut off, or it is not the server’s." });
}

/**
 * @param {URL} url
 * @param {RequestInit} options
 * @returns {Promise<Response>} a success
 */
export async function send(url, options) {
  let response;
  try {
    response = await fetch(url, {
      ...options,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    if (isAbort(error)) {
      throw error;
    }
    throw new ApiError(0, { error: "The server cannot be reached." });
  }
  if (!response.ok) {
    // A proxy's errors are not JSON.
    const body = await readJson(response).catch(() => ({}));
    throw new ApiError(response.status, body, response.headers.get("Retry-After"));
  }
  return response;
}
