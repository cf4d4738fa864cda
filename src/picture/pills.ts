import type { EdgeGain } from "../ir/graph.ts";
import type { Block } from "./blocks.ts";
import type { Drawing } from "./drawing.ts";
import type { Joint, Layer } from "./parts.ts";
import { letters, type Gain, type Pill } from "./scene.ts";
import { fitted, widthOf } from "./widths.ts";

export const PILL_HEIGHT = 20;

/** A norm of an edge, with what multiplies its result. */
export function pillBlock(
  layer: Layer,
  role: Pill["role"],
  { edge: { norms }, index: edge }: Pick<Joint, "edge" | "index">,
  drawing: Drawing,
): Block {
  const gain = norms.find(({ position }) => position === role)?.gain;
  const times = gain === undefined ? "" : ` ×${shortGain(gain)}`;
  const name = fitted(`${layer.name}${times}`, 130, letters.pill, true);
  const w = Math.max(46, Math.ceil(widthOf(name, letters.pill, true)) + 18);
  const { span, key, label, args } = layer;
  const hover = `${role} ${layer.name}${args}${label === "" ? "" : `: ${label}`}${gain === undefined ? "" : `, times ${gain.text}`}`;
  return {
    left: w / 2,
    right: w / 2,
    height: PILL_HEIGHT,
    place: (x, y) => {
      drawing.add({ kind: "pill", role, edge, name, x: x - w / 2, y, w, h: PILL_HEIGHT, span, hover });
      drawing.anchor(key, { x, y: y + PILL_HEIGHT, side: "box" });
    },
  };
}

/** A number by three digits; what else multiplies without its label and its arguments. */
const shortGain = ({ kind, text }: EdgeGain): string =>
  kind === "number"
    ? String(Number(Number(text).toPrecision(3)))
    : text.replace(/^[\w.]+: /, "").replace(/\(.*$/s, "");

/** What multiplies the stream or the branches, without its place; undefined where nothing does. */
export function gainOf({ edge, roles, index }: Joint, role: Gain["role"]): Omit<Gain, "x" | "y"> | undefined {
  const gain = edge[role];
  if (gain === undefined || (gain.kind === "number" && Number(gain.text) === 1)) return undefined;
  const text = fitted(`×${shortGain(gain)}`, 66, letters.pill);
  const w = Math.ceil(widthOf(text, letters.pill)) + 10;
  const span = roles[role].find((layer) => layer.span !== undefined)?.span ?? edge.span;
  return { kind: "gain", role, edge: index, text, w, h: 16, span, hover: `${role} ${gain.text}` };
}
