// A search box whose text is in the address.

// How long to wait for the next letter.
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
   * @param {() => string} get what the address says
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
    // Before anything else that is clicked changes the address.
    input.addEventListener("blur", () => this.#finish());
  }

  /** Shows what the address says. */
  update() {
    // Not while somebody types.
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
