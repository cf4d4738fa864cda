import type { createOps } from "../../ops/create.ts";
import type { shapeOps } from "../../ops/shape.ts";
import { addDims, dim } from "../../tensor/dim.ts";
import type { Cotangent, VjpRule } from "../vjp.ts";

/** Ops that move elements give them back to where they came from. */
export const shapeRules: { readonly [K in keyof typeof shapeOps]: VjpRule<K> } = {
  reshape: ({ operands: { x } }, [g], b) => ({ x: b.reshape(g!, x.type.shape) }),
  permute: ({ attrs: { axes } }, [g], b) => ({
    x: b.emit("permute", { x: g! }, { axes: axes.map((_, axis) => axes.indexOf(axis)) }),
  }),
  broadcast: ({ operands: { x } }, [g], b) => ({ x: b.undoBroadcast(g!, x.type.shape) }),
  slice: ({ attrs: { axis, start } }, [g]) => ({ x: { part: g!, axis, start } }),
  concat: ({ operands: { values }, attrs: { axis } }, [g], b) => {
    let start = dim(0);
    const parts: (Cotangent | undefined)[] = [];
    for (const value of values) {
      const size = value.type.shape[axis]!;
      parts.push(b.wants(value) ? b.emit("slice", { x: g! }, { axis, start, size }) : undefined);
      start = addDims(start, size);
    }
    return { values: parts };
  },
  cast: ({ operands: { x } }, [g], b) => ({ x: b.cast(g!, x.type.dtype) }),
};

const source = { none: "it has no operands" };

export const createRules: { readonly [K in keyof typeof createOps]: VjpRule<K> } = {
  constant: source,
  full: source,
  iota: source,
  relative_bucket: source,
};
