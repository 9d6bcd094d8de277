// Draws amounts over time with uPlot: stacked bars, or areas for running totals.

/* global uPlot */

const HEIGHT = 260;
const POWERS_OF_TWO = Array.from({ length: 61 }, (_, power) => 2 ** power);
const ROUND_NUMBERS = Array.from({ length: 13 }, (_, power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
).flat();

/**
 * @typedef {object} Drawing
 * @property {number[]} starts of the buckets, in ms
 * @property {number} end of the last one
 * @property {{key: string, values: number[]}[]} series from the bottom up; the key
 *   chooses the colour
 * @property {boolean} running whether the values are running totals
 * @property {boolean} binary whether they are bytes
 * @property {(value: number) => string} format
 * @property {(index: number) => string} describe a bucket, in words
 */

export class Chart {
  #element;
  #readout;
  #onSelect;
  #drawing = null;
  #plot = null;
  #index = null;
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.#draw();
  #resizes = new ResizeObserver(() => this.#resize());

  /**
   * @param {HTMLElement} element to draw in; it gets the keyboard's attention too
   * @param {HTMLElement} readout to write in what the pointer is at
   * @param {(first: number, last: number) => void} [onSelect] buckets, by index
   */
  constructor(element, readout, onSelect) {
    this.#element = element;
    this.#readout = readout;
    this.#onSelect = onSelect;
    element.tabIndex = 0;
    element.setAttribute("role", "slider");
    element.addEventListener("keydown", (event) => this.#onKey(event));
    this.#dark.addEventListener("change", this.#redraw);
    this.#resizes.observe(element);
  }

  /** @param {Drawing} drawing */
  show(drawing) {
    this.#drawing = drawing;
    this.#index = null;
    this.#element.setAttribute("aria-valuemin", 0);
    this.#element.setAttribute("aria-valuemax", drawing.starts.length - 1);
    this.#draw();
    this.#tell(null);
  }

  remove() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#dark.removeEventListener("change", this.#redraw);
    this.#resizes.disconnect();
  }

  #draw() {
    if (this.#drawing === null) {
      return;
    }
    this.#plot?.destroy();
    const { starts, end, series } = this.#drawing;
    const ends = [...starts.slice(1), end];
    const middles = starts.map((start, index) => (start + ends[index]) / 2);
    // Each series is drawn from zero up to the top of its part of the stack, the
    // highest first, so that those below cover it.
    const tops = [];
    for (const { values } of series) {
      const below = tops.at(-1);
      tops.push(values.map((value, index) => value + (below?.[index] ?? 0)));
    }
    this.#plot = new uPlot(this.#options(), [middles, ...tops.reverse()], this.#element);
  }

  #options() {
    const { starts, end, series, running, binary, format } = this.#drawing;
    const style = getComputedStyle(this.#element);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour("quiet"),
      font: `12px ${style.fontFamily}`,
      ticks: { stroke: colour("line"), width: 1, size: 4 },
      grid: { stroke: colour("line"), width: 1 },
    };
    return {
      width: this.#element.clientWidth,
      height: HEIGHT,
      ms: 1,
      tzDate: (ms) => uPlot.tzDate(new Date(ms), "Etc/UTC"),
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: {
        y: false,
        points: { show: running },
        drag: { x: Boolean(this.#onSelect), y: false, setScale: false },
      },
      hooks: {
        setCursor: [(plot) => this.#tell(plot.cursor.idx)],
        setSelect: [(plot) => this.#select(plot)],
      },
      scales: {
        x: { range: [starts[0], end] },
        y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.04 : 1] },
      },
      axes: [
        { ...axis, grid: { show: false } },
        {
          ...axis,
          incrs: binary ? POWERS_OF_TWO : ROUND_NUMBERS,
          values: (_plot, splits) => splits.map(format),
          size: (_plot, labels) =>
            16 + 7 * Math.max(...(labels ?? [""]).map((label) => label.length)),
        },
      ],
      series: [
        {},
        ...series
          .map(({ key }) => ({
            stroke: colour(key),
            fill: colour(key),
            width: 0,
            points: { show: false },
            paths: running
              ? uPlot.paths.linear()
              : uPlot.paths.bars({ size: [0.8, 48], radius: 0.15 }),
          }))
          .reverse(),
      ],
    };
  }

  #resize() {
    const width = this.#element.clientWidth;
    if (this.#plot !== null && width > 0 && width !== this.#plot.width) {
      this.#plot.setSize({ width, height: HEIGHT });
    }
  }

  #tell(index) {
    this.#index = index ?? null;
    const text = this.#index === null ? "" : this.#drawing.describe(this.#index);
    this.#readout.textContent = text;
    this.#element.setAttribute("aria-valuenow", this.#index ?? 0);
    this.#element.setAttribute("aria-valuetext", text || this.#drawing.describe(0));
  }

  #select(plot) {
    const { left, width } = plot.select;
    if (width > 0) {
      plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this.#onSelect(plot.posToIdx(left), plot.posToIdx(left + width));
    }
  }

  #onKey(event) {
    const last = this.#drawing === null ? -1 : this.#drawing.starts.length - 1;
    const at = this.#index;
    const next = {
      ArrowLeft: at === null ? last : at - 1,
      ArrowDown: at === null ? last : at - 1,
      ArrowRight: at === null ? 0 : at + 1,
      ArrowUp: at === null ? 0 : at + 1,
      PageDown: at === null ? last : at - 10,
      PageUp: at === null ? 0 : at + 10,
      Home: 0,
      End: last,
    }[event.key];
    if (next === undefined || last < 0) {
      return;
    }
    event.preventDefault();
    const index = Math.min(Math.max(next, 0), last);
    const left = this.#plot.valToPos(this.#plot.data[0][index], "x");
    this.#plot.setCursor({ left, top: 0 }, false);
    this.#tell(index);
  }
}
