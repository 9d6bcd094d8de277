// Draws amounts over time with uPlot: stacked bars, or areas for running totals.

/* global uPlot */

const HEIGHT = 260;
const LABEL_PX = 7;
const POWERS_OF_TWO = Array.from({ length: 61 }, (_, power) => 2 ** power);
const ROUND_NUMBERS = Array.from({ length: 13 }, (_, power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
).flat();

/**
 * @typedef {object} Drawing
 * @property {number[]} starts of the parts of the time range, in ms
 * @property {number} end of the last one
 * @property {string[]} names of the parts, short, for the axis
 * @property {string} unit the name of a part, for the axis
 * @property {{key: string, values: number[]}[]} series from the bottom up; the key
 *   chooses the colour
 * @property {boolean} running whether the values are running totals
 * @property {boolean} binary whether they are bytes
 * @property {(value: number) => string} format
 * @property {(index: number) => string} describe a part, in words
 */

export class Chart {
  #element;
  #readout;
  #onSelect;
  #onOpen;
  /** Whether the click that follows ends a drag. */
  #dragged = false;
  /** @type {Drawing|null} */
  #drawing = null;
  /** @type {uPlot|null} */
  #plot = null;
  /** @type {number|null} */
  #index = null;
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.#draw();
  #resizes = new ResizeObserver(() => this.#resize());

  /**
   * @param {HTMLElement} element to draw in; it can have the keyboard's focus
   * @param {HTMLElement} readout shows the numbers at the pointer
   * @param {object} [options]
   * @param {(first: number, last: number) => void} [options.onSelect] parts, by index
   * @param {(index: number, key?: string) => void} [options.onOpen] a part was clicked; with
   *   the key of the series at the pointer, if it is at one
   */
  constructor(element, readout, { onSelect, onOpen } = {}) {
    this.#element = element;
    this.#readout = readout;
    this.#onSelect = onSelect;
    this.#onOpen = onOpen;
    element.tabIndex = 0;
    element.setAttribute("role", "slider");
    element.addEventListener("keydown", (event) => this.#onKey(event));
    element.addEventListener("pointerdown", () => {
      // A drag that ended outside was followed by no click.
      this.#dragged = false;
    });
    element.addEventListener("click", () => this.#open(this.#keyAtPointer));
    this.#dark.addEventListener("change", this.#redraw);
    addEventListener("beforeprint", this.#redraw);
    addEventListener("afterprint", this.#redraw);
    this.#resizes.observe(element);
  }

  /** @param {Drawing} drawing */
  show(drawing) {
    this.#drawing = drawing;
    this.#index = null;
    this.#element.setAttribute("aria-valuemin", "0");
    this.#element.setAttribute("aria-valuemax", String(drawing.starts.length - 1));
    this.#draw();
    this.#tell(null);
  }

  remove() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#dark.removeEventListener("change", this.#redraw);
    removeEventListener("beforeprint", this.#redraw);
    removeEventListener("afterprint", this.#redraw);
    this.#resizes.disconnect();
  }

  #draw() {
    const drawing = this.#drawing;
    if (drawing === null) {
      return;
    }
    this.#plot?.destroy();
    // Each series is drawn from zero up to the top of its part of the stack, the
    // highest first, so that those below cover it.
    /** @type {number[][]} */
    const tops = [];
    for (const { values } of drawing.series) {
      const below = tops.at(-1);
      tops.push(values.map((value, index) => value + (below?.[index] ?? 0)));
    }
    const data = /** @type {uPlot.AlignedData} */ ([middlesOf(drawing), ...tops.reverse()]);
    this.#plot = new uPlot(this.#options(drawing), data, this.#element);
  }

  /**
   * @param {Drawing} drawing
   * @returns {uPlot.Options}
   */
  #options(drawing) {
    const { starts, end, series, running } = drawing;
    return {
      width: this.#element.clientWidth,
      height: HEIGHT,
      ms: 1,
      legend: { show: false },
      padding: [8, 12, 0, 0],
      cursor: {
        y: false,
        points: { show: running },
        drag: { x: Boolean(this.#onSelect), y: false, setScale: false },
        bind: { mouseleave: leaveSideways },
      },
      hooks: {
        setCursor: [(plot) => this.#tell(plot.cursor.idx ?? null)],
        setSelect: [(plot) => this.#select(plot)],
      },
      scales: {
        x: { range: [starts[0], end] },
        y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.04 : 1] },
      },
      axes: this.#axes(drawing),
      series: [
        {},
        ...series
          .map(({ key }) => ({
            stroke: this.#colour(key),
            fill: this.#colour(key),
            width: 0,
            points: { show: false },
            paths: running
              ? uPlot.paths.linear?.()
              : uPlot.paths.bars?.({ size: [0.8, 48], radius: 0.15 }),
          }))
          .reverse(),
      ],
    };
  }

  /**
   * @param {Drawing} drawing
   * @returns {uPlot.Axis[]}
   */
  #axes(drawing) {
    const { names, unit, binary, format } = drawing;
    const { fontFamily } = getComputedStyle(this.#element);
    const line = this.#colour("line");
    const axis = {
      stroke: this.#colour("quiet"),
      font: `12px ${fontFamily}`,
      labelFont: `12px ${fontFamily}`,
      ticks: { stroke: line, width: 1, size: 4 },
      grid: { stroke: line, width: 1 },
    };
    const middles = middlesOf(drawing);
    return [
      {
        ...axis,
        grid: { show: false },
        size: 30,
        label: unit,
        labelSize: 20,
        // Each below the middle of the part that it names.
        splits: (plot) => labelled(plot, drawing).map((index) => middles[index]),
        values: (plot) => labelled(plot, drawing).map((index) => names[index]),
      },
      {
        ...axis,
        incrs: binary ? POWERS_OF_TWO : ROUND_NUMBERS,
        values: (_plot, splits) => splits.map(format),
        size: (_plot, labels) =>
          16 + LABEL_PX * Math.max(...(labels ?? [""]).map((label) => label.length)),
      },
    ];
  }

  /** @param {string} name of a custom property of style.css, without the dashes */
  #colour(name) {
    return getComputedStyle(this.#element).getPropertyValue(`--${name}`).trim();
  }

  #resize() {
    const width = this.#element.clientWidth;
    if (this.#plot !== null && width > 0 && width !== this.#plot.width) {
      this.#plot.setSize({ width, height: HEIGHT });
    }
  }

  /** @param {number|null} index */
  #tell(index) {
    const describe = this.#drawing?.describe ?? (() => "");
    this.#index = index;
    const text = index === null ? "" : describe(index);
    this.#readout.textContent = text;
    this.#element.setAttribute("aria-valuenow", String(index ?? 0));
    this.#element.setAttribute("aria-valuetext", text || describe(0));
  }

  /** @param {uPlot} plot */
  #select(plot) {
    const { left, width } = plot.select;
    if (width > 0) {
      this.#dragged = true;
      plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this.#onSelect?.(plot.posToIdx(left), plot.posToIdx(left + width));
    }
  }

  /** @param {string} [key] of a series */
  #open(key) {
    if (this.#index !== null && !this.#dragged) {
      this.#onOpen?.(this.#index, key);
    }
    this.#dragged = false;
  }

  get #keyAtPointer() {
    const plot = this.#plot;
    const drawing = this.#drawing;
    const index = this.#index;
    if (plot === null || drawing === null || index === null) {
      return undefined;
    }
    const height = plot.posToVal(plot.cursor.top ?? 0, "y");
    let top = 0;
    return drawing.series.find(({ values }) => {
      top += values[index];
      return height <= top;
    })?.key;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const plot = this.#plot;
    if (plot === null) {
      return;
    }
    if (event.key === "Enter") {
      this.#open();
      return;
    }
    const last = plot.data[0].length - 1;
    const at = this.#index;
    const next = new Map([
      ["ArrowLeft", at === null ? last : at - 1],
      ["ArrowDown", at === null ? last : at - 1],
      ["ArrowRight", at === null ? 0 : at + 1],
      ["ArrowUp", at === null ? 0 : at + 1],
      ["PageDown", at === null ? last : at - 10],
      ["PageUp", at === null ? 0 : at + 10],
      ["Home", 0],
      ["End", last],
    ]).get(event.key);
    if (next === undefined) {
      return;
    }
    event.preventDefault();
    const index = Math.min(Math.max(next, 0), last);
    plot.setCursor({ left: plot.valToPos(plot.data[0][index], "x"), top: 0 }, false);
    this.#tell(index);
  }
}

/**
 * uPlot extends a drag that leaves the chart up to its end. Only a drag to the side means that.
 *
 * @param {uPlot} plot
 * @param {HTMLElement} _
 * @param {(event: MouseEvent) => null} leave
 * @returns {(event: MouseEvent) => null}
 */
function leaveSideways({ over }, _, leave) {
  return (event) => {
    const { left, right } = over.getBoundingClientRect();
    const isWithin = event.clientX > left && event.clientX < right;
    return isWithin && event.buttons !== 0 ? null : leave(event);
  };
}

/** @param {Drawing} drawing */
function middlesOf({ starts, end }) {
  const ends = [...starts.slice(1), end];
  return starts.map((start, index) => (start + ends[index]) / 2);
}

/**
 * The parts that have a label on the axis: as many as there is room for, evenly, and none
 * whose label would be cut.
 *
 * @param {uPlot} plot
 * @param {Drawing} drawing
 * @returns {number[]} indexes
 */
function labelled(plot, { starts, names }) {
  const width = plot.bbox.width / devicePixelRatio;
  if (!(width > 0)) {
    return [];
  }
  const label = LABEL_PX * Math.max(...names.map((each) => each.length));
  const step = Math.max(1, Math.ceil((starts.length * (label + 14)) / width));
  return starts
    .map((_, index) => index)
    .filter((index) => {
      const right = (width * (index + 0.5)) / starts.length + label / 2;
      return index % step === 0 && (right < width + 8 || starts.length === 1);
    });
}
