/**
 * What a page runs, and all of it: over a figure it says what the nearest value is, where, and in which line of the model; a click
 * on a curve keeps it, and the curves of the same name in all figures, until the next one. Without scripts a page shows the same
 * figures. Numbers are base64 of float32, little-endian, in `data-values`; the rest is JSON in `data-hover` (`HoverData`).
 */
export const hoverScript = `(() => {
const tip = document.body.appendChild(document.createElement("div"));
tip.className = "tip";
tip.hidden = true;
const kept = new Set();
const numbers = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const show = (v) => Number.isNaN(v) ? "none" : v === 0 || (Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5) ? String(Number(v.toPrecision(4))) : v.toExponential(2);
const place = ({ log, domain: [a, b], range: [p, q] }, v) => {
  const f = log ? Math.log : (x) => x;
  return p + ((f(v) - f(a)) / (f(b) - f(a))) * (q - p);
};
const nearest = (d, values, px, py) => {
  let best, least = 30 ** 2, at = 0;
  for (const s of d.series) for (let i = 0; i < s.count; i++, at++) {
    const [x, y] = [values[2 * at], values[2 * at + 1]];
    const far = (place(d.x, x) - px) ** 2 + (place(d.y, y) - py) ** 2;
    if (far < least) [best, least] = [{ name: s.name, what: [s.name, s.at && s.at[i]], x, y }, far];
  }
  return best && { name: best.name, lines: [best.what.filter(Boolean).join(", "), d.y.label + " " + show(best.y), d.x.label + " " + show(best.x)] };
};
const cell = (d, values, px, py) => {
  const [x0, x1] = d.x.range, [y0, y1] = d.y.range;
  const column = Math.floor(((px - x0) / (x1 - x0)) * d.steps.length);
  const row = Math.floor(((py - y0) / (y1 - y0)) * d.rows.length);
  if (!(d.rows[row] && column >= 0 && column < d.steps.length)) return;
  return { lines: [d.rows[row], d.y.label + " " + show(values[row * d.steps.length + column]), "step " + d.steps[column]] };
};
for (const box of document.querySelectorAll("[data-hover]")) {
  const d = JSON.parse(box.dataset.hover), values = numbers(box.dataset.values), svg = box.querySelector("svg");
  const find = (event) => {
    const r = svg.getBoundingClientRect(), v = svg.viewBox.baseVal;
    const px = ((event.clientX - r.left) / r.width) * v.width, py = ((event.clientY - r.top) / r.height) * v.height;
    return d.rows ? cell(d, values, px, py) : nearest(d, values, px, py);
  };
  box.addEventListener("pointermove", (event) => {
    const found = find(event);
    tip.hidden = !found;
    if (!found) return;
    tip.replaceChildren(...found.lines.map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    tip.style.left = Math.min(event.pageX + 14, scrollX + innerWidth - tip.offsetWidth - 8) + "px";
    tip.style.top = event.pageY + 14 + "px";
  });
  box.addEventListener("pointerleave", () => (tip.hidden = true));
  box.addEventListener("click", (event) => {
    const { name } = find(event) || {};
    if (!name) kept.clear();
    else if (!kept.delete(name)) kept.add(name);
    for (const curve of document.querySelectorAll('[aria-label^="curve "]'))
      curve.style.opacity = kept.size === 0 || kept.has(curve.getAttribute("aria-label").slice(6)) ? "" : "0.12";
  });
}
})();`;

export const hoverStyle =
  ".tip{position:absolute;z-index:1;padding:.3rem .6rem;background:var(--page);border:1px solid var(--faint);border-radius:4px;" +
  "font:12px/1.4 system-ui,sans-serif;pointer-events:none;max-width:28rem}[data-hover] svg{touch-action:pan-y}";

/** An axis as the script places values on it: its domain in values, its range in pixels of the figure. */
export interface HoverAxis {
  readonly label: string;
  readonly log: boolean;
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
}

/** Of curves: values are x and y of each point, series after series. */
export interface HoverCurves {
  readonly x: HoverAxis;
  readonly y: HoverAxis;
  readonly series: readonly {
    readonly name: string;
    readonly count: number;
    readonly at?: readonly string[];
  }[];
}

/** Of a heat map: values are those of its cells, row after row from below. */
export interface HoverCells {
  readonly x: HoverAxis;
  readonly y: HoverAxis;
  readonly rows: readonly string[];
  readonly steps: readonly number[];
}

export type HoverData = HoverCurves | HoverCells;

/** Base64 of float32, little-endian as all machines are that browsers run on. */
export const base64Of = (values: Float32Array): string =>
  base64OfBytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));

export function base64OfBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
