import { constantDim, sameDim, showDim, type Dim } from "../../tensor/dim.ts";
import { broadcastShapes, sameShape, showType, type Shape, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import {
  boolElements,
  finiteAtLeast,
  firstOf,
  floatElements,
  rankIs,
  sameDtype,
  wholeAtLeast,
} from "./check.ts";

type Types = readonly TensorType[] | Mismatch;
export type HeadLayout = "heads_first" | "heads_last";

/** [B, H, T, K] whichever way it is stored. */
export const headsFirst = (shape: Shape, layout: HeadLayout): Shape =>
  layout === "heads_first" ? shape : [shape[0]!, shape[2]!, shape[1]!, shape[3]!];

export const form = (layout: HeadLayout, letters: string): string => {
  const [b, h, t, k] = letters.split("");
  return layout === "heads_first" ? `[${b}, ${h}, ${t}, ${k}]` : `[${b}, ${t}, ${h}, ${k}]`;
};

export interface AttendTypes {
  readonly q: TensorType;
  readonly k: TensorType;
  readonly v: TensorType;
  readonly bias: TensorType | undefined;
  readonly mask: TensorType | undefined;
}

export function inferAttend(
  { q, k, v, bias, mask }: AttendTypes,
  attrs: {
    readonly window: number | undefined;
    readonly softcap: number;
    readonly alibi: boolean;
    readonly layout: HeadLayout;
  },
): Types {
  const wrong = firstOf(
    floatElements("q", q),
    rankIs("q", q, 4, form(attrs.layout, "BHTK")),
    rankIs("k", k, 4, form(attrs.layout, "BGSK")),
    rankIs("v", v, 4, form(attrs.layout, "BGSV")),
    sameDtype("k", k, "q", q),
    sameDtype("v", v, "q", q),
    attrs.window === undefined ? undefined : wholeAtLeast("window", attrs.window, 1),
    finiteAtLeast("softcap", attrs.softcap, 0),
  );
  if (wrong !== undefined) return wrong;
  const [batch, heads, rows] = headsFirst(q.shape, attrs.layout);
  const [, keyHeads, columns] = headsFirst(k.shape, attrs.layout);
  const misfit = firstOf(
    keysFit(q, k, attrs.layout),
    valuesFit(k, v, attrs.layout),
    headsShare(heads!, keyHeads!),
    attrs.alibi && constantDim(heads!) === undefined
      ? new Mismatch("q", `alibi needs a number of heads known at compile time, got ${showType(q)}`)
      : undefined,
  );
  if (misfit !== undefined) return misfit;
  const scores = [batch!, heads!, rows!, columns!];
  const added = firstOf(
    bias && (floatElements("bias", bias) ?? stretches("bias", bias, scores)),
    mask && (boolElements("mask", mask) ?? stretches("mask", mask, scores)),
  );
  return added ?? [{ dtype: q.dtype, shape: [...q.shape.slice(0, 3), v.shape[3]!] }];
}

/** Each head of k serves as many heads of q. */
function headsShare(heads: Dim, keyHeads: Dim): Mismatch | undefined {
  const [h, g] = [constantDim(heads), constantDim(keyHeads)];
  const even = sameDim(heads, keyHeads) || (h !== undefined && g !== undefined && g >= 1 && h % g === 0);
  if (even) return undefined;
  return new Mismatch(
    "k",
    `${showDim(heads)} heads of q do not share ${showDim(keyHeads)} heads of k evenly`,
  );
}

function keysFit(q: TensorType, k: TensorType, layout: HeadLayout): Mismatch | undefined {
  const [batch, , , width] = headsFirst(q.shape, layout);
  const [keyBatch, , , keyWidth] = headsFirst(k.shape, layout);
  if (sameDim(batch, keyBatch) && sameDim(width, keyWidth)) return undefined;
  return new Mismatch("k", `expected the batch and head width of q, ${showType(q)}, got ${showType(k)}`);
}

function valuesFit(k: TensorType, v: TensorType, layout: HeadLayout): Mismatch | undefined {
  const keys = headsFirst(k.shape, layout).slice(0, 3);
  if (sameShape(keys, headsFirst(v.shape, layout).slice(0, 3))) return undefined;
  return new Mismatch("v", `expected the batch, heads and length of k, ${showType(k)}, got ${showType(v)}`);
}

function stretches(name: string, type: TensorType, scores: Shape): Mismatch | undefined {
  const wide = broadcastShapes(type.shape, scores);
  if (wide !== undefined && sameShape(wide, scores)) return undefined;
  const want = showType({ dtype: type.dtype, shape: scores });
  return new Mismatch(name, `${showType(type)} does not broadcast to the scores, ${want}`);
}
