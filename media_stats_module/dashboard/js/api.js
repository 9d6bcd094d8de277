// Asks the module's API, in the name of the admin who has signed in.

import { learn } from "./clock.js";
import { ApiError, isRefusal, readCsv, readJson, send } from "./http.js";

// This file is <path>/js/api.js, whatever the path and whatever proxy is in front.
export const STATISTICS = new URL("../v1/", import.meta.url);

// One open page leaves room in the server's pool of database connections.
const AT_ONCE = 4;

// The first token may be another tab's, and have expired, too.
const MOST_RENEWALS = 2;

/**
 * Parameters by name. Those that are undefined or "" are left out; null is sent empty.
 *
 * @typedef {Record<string, string|number|boolean|undefined|null>} Query
 */

/**
 * @typedef {object} Asking
 * @property {AbortSignal} [signal]
 * @property {() => void} [onSent] called when the question's turn has come
 */

export class Api {
  #token;
  #onRefused;
  #renew;
  #ended = new AbortController();
  #running = 0;
  /** @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {string} token
   * @param {object} options
   * @param {(error: ApiError) => void} options.onRefused called once, when the server
   *   does not accept the token (401) or its owner (403); all requests are aborted then
   * @param {(expired: string) => Promise<string|null>} options.renew gets another token
   *   for one that has expired; null if there is none
   */
  constructor(token, { onRefused, renew }) {
    this.#token = token;
    this.#onRefused = onRefused;
    this.#renew = renew;
  }

  /** Aborts everything that is under way. */
  end() {
    this.#ended.abort();
  }

  /**
   * @param {string} path of the endpoint, such as "users"
   * @param {Query} query
   * @param {Asking} [asking]
   * @returns {Promise<any>} the answer
   */
  get(path, query, asking) {
    return this.#ask(path, query, readJson, asking);
  }

  /**
   * The same, of the same parameters, as a file for spreadsheets.
   *
   * @param {string} path
   * @param {Query} query
   */
  getCsv(path, query) {
    return this.#ask(path, { ...query, format: "csv" }, readCsv);
  }

  /**
   * @template T
   * @param {string} path
   * @param {Query} query
   * @param {(response: Response) => Promise<T>} read
   * @param {Asking} [asking]
   * @returns {Promise<T>}
   */
  async #ask(path, query, read, { signal, onSent } = {}) {
    const either = AbortSignal.any([this.#ended.signal, ...(signal ? [signal] : [])]);
    await this.#turn(either);
    onSent?.();
    try {
      const url = withQuery(new URL(path, STATISTICS), query);
      return await read(await this.#sendOrRenew(url, either));
    } catch (error) {
      if (error instanceof ApiError && isRefusal(error) && !this.#ended.signal.aborted) {
        this.end();
        this.#onRefused(error);
      }
      throw error;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  /**
   * @param {URL} url
   * @param {AbortSignal} signal
   */
  async #sendOrRenew(url, signal) {
    for (let renewals = 0; ; renewals += 1) {
      const token = this.#token;
      try {
        return await this.#send(url, token, signal);
      } catch (error) {
        const hasExpired = error instanceof ApiError && error.status === 401 && isRefusal(error);
        if (!hasExpired || renewals === MOST_RENEWALS) {
          throw error;
        }
        // Another request may have got a new token meanwhile.
        const renewed = this.#token === token ? await this.#renew(token) : this.#token;
        if (renewed === null) {
          throw error;
        }
        this.#token = renewed;
      }
    }
  }

  /**
   * @param {URL} url
   * @param {string} token
   * @param {AbortSignal} signal
   */
  async #send(url, token, signal) {
    const response = await send(url, { headers: { Authorization: `Bearer ${token}` }, signal });
    learn(response);
    return response;
  }

  /** @param {AbortSignal} signal */
  async #turn(signal) {
    while (this.#running >= AT_ONCE) {
      await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
    }
    this.#running += 1;
    if (signal.aborted) {
      this.#running -= 1;
      this.#waiting.shift()?.();
      signal.throwIfAborted();
    }
  }
}

/**
 * Throws an `ApiError` if a token is not an administrator's.
 *
 * @param {string} token
 */
export async function assertAdmin(token) {
  // The cheapest of the questions that only administrators may ask.
  await send(new URL("rollups", STATISTICS), {
    headers: { Authorization: `Bearer ${token}` },
  });
}

/**
 * @param {URL} url
 * @param {Query} query
 */
function withQuery(url, query) {
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") {
      url.searchParams.set(name, String(value ?? ""));
    }
  }
  return url;
}
