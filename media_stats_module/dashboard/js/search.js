// A search box whose text is in the address.

// The wait for the next letter, in ms.
const TYPING_MS = 250;

export class Search {
  #input;
  #get;
  #set;
  #timer = 0;
  /** Whether the text goes on changing the history's last entry: one search is one step
   * back, however many letters it has. */
  #goesOn = false;

  /**
   * @param {HTMLInputElement} input
   * @param {() => string} get the text in the address
   * @param {(text: string, replace: boolean) => void} set changes the address
   */
  constructor(input, get, set) {
    this.#input = input;
    this.#get = get;
    this.#set = set;
    input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#read(), TYPING_MS);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        this.#finish();
      }
    });
    // Runs before another click changes the address.
    input.addEventListener("blur", () => this.#finish());
  }

  /** Updates the view from the address. */
  update() {
    // Not while the person types.
    if (this.#timer === 0 && this.#text !== this.#get()) {
      this.#input.value = this.#get();
      this.#goesOn = false;
    }
  }

  get #text() {
    return this.#input.value.trim();
  }

  #read() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#text !== this.#get()) {
      this.#set(this.#text, this.#goesOn);
      this.#goesOn = true;
    }
  }

  #finish() {
    this.#read();
    this.#goesOn = false;
  }
}
