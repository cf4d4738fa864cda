import { joinBytes } from "../support/bytes.ts";
import { zlibSync } from "fflate";
import { crc32 } from "../checkpoint/crc32.ts";
import { escapeText } from "./escape.ts";
import type { Size } from "./figure.ts";
import { base64Of, base64OfBytes, type HoverCells } from "./hover-script.ts";
import { showSize } from "./sizes.ts";

/** A measure by depth and step: a row an edge, a column an observed step. */
export interface HeatMap {
  readonly title: string;
  /** What is told below the title; which way the rows go if left out. */
  readonly note?: string;
  /** What a value is: `RMS of the stream`. */
  readonly unit: string;
  /** What each row is, from below: the edge, and its line in the model. */
  readonly rows: readonly string[];
  readonly steps: readonly number[];
  /** Row after row from below; NaN where there is none. */
  readonly values: Float32Array;
  /** What the colours span; a value beyond has the colour of the end. */
  readonly domain: readonly [low: number, high: number];
}

/** Seven colours of viridis (van der Walt and Smith 2015), which is as even to the eye in grey; others lie between two. */
const VIRIDIS = [0x440154, 0x443983, 0x31688e, 0x21918c, 0x35b779, 0x90d743, 0xfde725];
/** Of a cell without a value. */
const NONE = 0x9a9a9a;

/** How large a heat map is in a report. */
const usual: Size = { width: 400, height: 210 };
const margins = { left: 44, right: 14, top: 44, bottom: 50 } as const;

/** Where the cells of a figure lie: from left to right, and from below up. */
const cellsOf = ({ width, height }: Size) => ({
  x: [margins.left, width - margins.right] as const,
  y: [height - margins.bottom, margins.top] as const,
});

/** A heat map as a figure of a page: with what the page's script must know of it. */
export function drawHoverHeat(map: HeatMap): string {
  const { unit, rows, steps, values } = map;
  const { x, y } = cellsOf(usual);
  const hover: HoverCells = {
    x: { label: "step", log: false, domain: [0, 1], range: x },
    y: { label: unit, log: false, domain: [0, 1], range: y },
    rows,
    steps,
  };
  const data = `data-hover="${escapeText(JSON.stringify(hover))}" data-values="${base64Of(values)}"`;
  return `<div ${data}>${drawHeat(map, usual)}</div>`;
}

/** A heat map as an `<svg>` element: its cells as a picture of one pixel each, its axes, its colours. */
export function drawHeat(map: HeatMap, size: Size): string {
  const { title, note = "↑ edge, the input below", rows, steps, domain } = map;
  const {
    x: [x0, x1],
    y: [y0, y1],
  } = cellsOf(size);
  const ticks = spread(steps.length, 6).map((index) =>
    text(x0 + ((index + 0.5) / steps.length) * (x1 - x0), y0 + 13, String(steps[index]), "middle"),
  );
  const marks = spread(rows.length, 4).map((index) =>
    text(x0 - 5, y0 - ((index + 0.5) / rows.length) * (y0 - y1) + 3.5, String(index), "end"),
  );
  const middle = (x0 + x1) / 2;
  const parts = [
    picture(map, { x: x0, y: y1, width: x1 - x0, height: y0 - y1 }),
    text(8, 14, title, "start", ' font-weight="600" font-size="12"'),
    text(8, 30, note, "start", ' opacity="0.75"'),
    ...ticks,
    ...marks,
    text(x1, y0 + 26, "observed step →", "end", ' opacity="0.75"'),
    legend({ x: middle - 70, y: y0 + 31, width: 90, height: 8 }),
    text(middle - 74, y0 + 39, showSize(domain[0]), "end"),
    text(middle + 24, y0 + 39, showSize(domain[1]), "start"),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" ` +
    `role="img" aria-label="${escapeText(title)}" fill="currentColor" font-family="system-ui, sans-serif" font-size="10.5">${parts.join("")}</svg>`
  );
}

/** At most `count` of the indices of a list, at even distances, the first and the last among them. */
const spread = (length: number, count: number): readonly number[] =>
  length <= count
    ? Array.from({ length }, (_, index) => index)
    : Array.from({ length: count }, (_, index) => Math.round((index * (length - 1)) / (count - 1)));

const text = (x: number, y: number, content: string, anchor: string, more = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${more}>${escapeText(content)}</text>`;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const image = ({ x, y, width, height }: Box, png: Uint8Array): string =>
  `<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none" style="image-rendering:pixelated" ` +
  `href="data:image/png;base64,${base64OfBytes(png)}"/>`;

/** The cells, the last row first, as a picture is read from above. */
function picture({ rows, steps, values, domain: [low, high] }: HeatMap, box: Box): string {
  const span = Math.log(high / low);
  const pixels = Uint8Array.from({ length: values.length }, (_, index) => {
    const row = rows.length - 1 - Math.floor(index / steps.length);
    const value = values[row * steps.length + (index % steps.length)]!;
    if (!(value > 0)) return 255;
    return Math.round(254 * Math.min(1, Math.max(0, Math.log(value / low) / span)));
  });
  return image(box, pngOf(steps.length, pixels));
}

const legend = (box: Box): string =>
  image(
    box,
    pngOf(
      64,
      Uint8Array.from({ length: 64 }, (_, index) => index * 4),
    ),
  );

/** Of a share of the way from the lowest colour to the highest, 0 to 254; 255 is that of none. */
function colour(index: number): number {
  if (index === 255) return NONE;
  const at = (index / 254) * (VIRIDIS.length - 1);
  const [low, high] = [VIRIDIS[Math.floor(at)]!, VIRIDIS[Math.ceil(at)]!];
  const part = at - Math.floor(at);
  return [16, 8, 0].reduce((sum, shift) => {
    const [a, b] = [(low >> shift) & 255, (high >> shift) & 255];
    return sum | (Math.round(a + part * (b - a)) << shift);
  }, 0);
}

/** A picture of a byte a pixel, by the palette (PNG, third edition: chunks IHDR, PLTE, IDAT, IEND). */
export function pngOf(width: number, pixels: Uint8Array): Uint8Array {
  const height = pixels.length / width;
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  // Eight bits, by palette, the one compression, the one filtering, not interlaced.
  [8, 3, 0, 0, 0].forEach((byte, index) => head.setUint8(8 + index, byte));
  const palette = Uint8Array.from(
    { length: 768 },
    (_, index) => (colour(Math.floor(index / 3)) >> (16 - 8 * (index % 3))) & 255,
  );
  const lines = new Uint8Array((width + 1) * height);
  // Each line begins with the number of its filter, 0 for none.
  for (let row = 0; row < height; row++)
    lines.set(pixels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return joinBytes([
    signature,
    chunk("IHDR", new Uint8Array(head.buffer)),
    chunk("PLTE", palette),
    chunk("IDAT", zlibSync(lines, { level: 9 })),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** Length, type, data, checksum of type and data. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = joinBytes([new TextEncoder().encode(type), data]);
  const numbers = new DataView(new ArrayBuffer(8));
  numbers.setUint32(0, data.length);
  numbers.setUint32(4, crc32(body));
  const bytes = new Uint8Array(numbers.buffer);
  return joinBytes([bytes.subarray(0, 4), body, bytes.subarray(4)]);
}
