// Asks the module's API and, for signing in, Synapse's own. Both are on the server that
// this page came from, and nothing else is ever asked.

// This file is <path>/js/api.js, whatever the path and whatever proxy is in front.
const STATISTICS = new URL("../v1/", import.meta.url);

// A proxy may serve Synapse below a path of its own. That is what comes before /_synapse.
const [PREFIX] = STATISTICS.pathname.split(/\/_synapse\/|\/[^/]*\/v1\/$/, 1);
const MATRIX = new URL(`${PREFIX}/_matrix/client/v3/`, STATISTICS);

// So that one open page leaves room in the server's pool of database connections.
const AT_ONCE = 4;

/** The server's answer was not what was asked for. */
export class ApiError extends Error {
  /**
   * @param {number} status of HTTP; 0 if there was no answer
   * @param {object} body the error as Matrix puts it: `errcode`, `error`
   */
  constructor(status, body) {
    super(body.error ?? `The server answered with status ${status}.`);
    this.status = status;
    this.errcode = body.errcode;
    this.retryAfterMs = body.retry_after_ms;
  }
}

/** Asks for statistics, in the name of who has signed in. */
export class Api {
  #token;
  #onRefused;
  #ended = new AbortController();
  #running = 0;
  #waiting = [];

  /**
   * @param {string} token
   * @param {(error: ApiError) => void} onRefused called once, when the server does not
   *   accept the token (401) or its owner (403); all requests are aborted then
   */
  constructor(token, onRefused) {
    this.#token = token;
    this.#onRefused = onRefused;
  }

  /** Aborts everything that is under way. */
  end() {
    this.#ended.abort();
  }

  /**
   * @param {string} path of the endpoint, such as "users"
   * @param {object} query parameters; those that are undefined or "" are left out
   * @param {AbortSignal} [signal]
   * @returns {Promise<object>} the answer
   */
  async get(path, query, signal) {
    return (await this.#ask(path, query, signal)).json();
  }

  /** The same, of the same parameters, as a file for spreadsheets. */
  async getCsv(path, query, signal) {
    return (await this.#ask(path, { ...query, format: "csv" }, signal)).blob();
  }

  async #ask(path, query, signal) {
    const either = AbortSignal.any([this.#ended.signal, ...(signal ? [signal] : [])]);
    await this.#turn(either);
    try {
      return await send(withQuery(new URL(path, STATISTICS), query), {
        headers: { Authorization: `Bearer ${this.#token}` },
        signal: either,
      });
    } catch (error) {
      const refused = error.status === 401 || error.status === 403;
      if (refused && !this.#ended.signal.aborted) {
        this.end();
        this.#onRefused(error);
      }
      throw error;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(signal) {
    while (this.#running >= AT_ONCE) {
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
    if (signal.aborted) {
      this.#running -= 1;
      this.#waiting.shift()?.();
      signal.throwIfAborted();
    }
  }
}

/** Whether a token is an administrator's: throws an `ApiError` if it is not. */
export async function assertAdmin(token) {
  // The cheapest of the questions that only administrators may ask.
  await send(new URL("rollups", STATISTICS), {
    headers: { Authorization: `Bearer ${token}` },
  });
}

/**
 * Asks Synapse's client API.
 *
 * @param {string} method
 * @param {string} path below /_matrix/client/v3/
 * @param {{token?: string, body?: object, keepalive?: boolean}} options
 * @returns {Promise<object>} the answer
 */
export async function askMatrix(method, path, { token, body, keepalive } = {}) {
  const headers = {};
  if (token) {
    headers.Authorization = `Bearer ${token}`;
  }
  if (body) {
    headers["Content-Type"] = "application/json";
  }
  const response = await send(new URL(path, MATRIX), {
    method,
    headers,
    body: body && JSON.stringify(body),
    keepalive,
  });
  return response.json();
}

async function send(url, options) {
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
    if (error.name === "AbortError") {
      throw error;
    }
    throw new ApiError(0, { error: "The server cannot be reached." });
  }
  if (!response.ok) {
    // A proxy's errors are not JSON.
    throw new ApiError(response.status, await response.json().catch(() => ({})));
  }
  return response;
}

function withQuery(url, query) {
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") {
      url.searchParams.set(name, value);
    }
  }
  return url;
}
