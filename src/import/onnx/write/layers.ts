import type { Node, Value } from "../../../ir/graph.ts";
import { call } from "../../call.ts";
import { NoForm } from "../graph.ts";
import { list, step, type Form } from "./words.ts";
import type { Labels } from "./labels.ts";

type Weighted = Extract<
  Node,
  { op: "embedding" | "linear" | "layer_norm" | "rms_norm" | "batch_norm" | "conv2d" }
>;

/** A layer with its label; what shares parameters with another is written with them as values. */
export function weightedForm(node: Weighted, labels: Labels): Form {
  const owner = labels.owners.get(node);
  const tied = labels.tied.get(node);
  if (owner === undefined && tied !== undefined && node.op === "linear")
    return step(`unembed(${tied})`, node.operands.x);
  if (owner === undefined) return unowned(node);
  return ownedForm(node, (made, x) => step(`${owner.label}: ${made}`, x));
}

/** The call of a layer that owns its parameters. */
function ownedForm(node: Weighted, labelled: (made: string, x: Value) => Form): Form {
  switch (node.op) {
    case "embedding": {
      const [rows, width] = node.operands.table.type.shape;
      return labelled(`embedding(${rows!.key}, ${width!.key})`, node.operands.ids);
    }
    case "linear": {
      const isTurned = node.attrs.layout === "in_out";
      const given = {
        bias: node.operands.bias === undefined ? false : undefined,
        layout: isTurned ? "in_out" : undefined,
      };
      return labelled(call("linear", given, node.results[0]!.type.shape.at(-1)!.key), node.operands.x);
    }
    case "layer_norm":
      return labelled(
        call("layernorm", {
          eps: unless(node.attrs.eps, 1e-5),
          bias: node.operands.bias === undefined ? false : undefined,
        }),
        node.operands.x,
      );
    case "rms_norm":
      return labelled(
        call("rmsnorm", {
          eps: unless(node.attrs.eps, 1e-6),
          bias: node.operands.bias === undefined ? undefined : true,
          unit_offset: node.attrs.unit_offset || undefined,
        }),
        node.operands.x,
      );
    case "batch_norm":
      return labelled(
        call("batchnorm", {
          eps: unless(node.attrs.eps, 1e-5),
          affine: node.operands.weight === undefined ? false : undefined,
        }),
        node.operands.x,
      );
    case "conv2d": {
      const [channels, , ...kernel] = node.operands.weight.type.shape;
      const { stride, padding, groups } = node.attrs;
      const given = {
        stride: stride.some((size) => size > 1) ? list(stride) : undefined,
        padding: padding.some((size) => size > 0) ? list(padding) : undefined,
        groups: groups === 1 ? undefined : groups,
        bias: node.operands.bias === undefined ? false : undefined,
      };
      return labelled(
        call("conv2d", given, channels!.key, list(kernel.map((size) => Number(size.key)))),
        node.operands.x,
      );
    }
  }
}

const unless = (value: number, usual: number): number | undefined => (value === usual ? undefined : value);

/** What owns nothing: a norm without a gain, a product by a matrix that is a value. */
function unowned(node: Weighted): Form {
  if (node.op === "layer_norm" && node.operands.weight === undefined)
    return step(call("layernorm", { eps: unless(node.attrs.eps, 1e-5), affine: false }), node.operands.x);
  if (node.op === "rms_norm" && node.operands.weight === undefined)
    return step(call("rmsnorm", { eps: unless(node.attrs.eps, 1e-6), affine: false }), node.operands.x);
  if (node.op === "linear" && node.operands.bias === undefined && node.operands.x.type.shape.length > 1)
    return step(
      call("matmul", { transpose: node.attrs.layout === "out_in" || undefined }),
      node.operands.x,
      node.operands.weight,
    );
  throw new NoForm(`${node.op} with parameters that others read, or that are computed`);
}
