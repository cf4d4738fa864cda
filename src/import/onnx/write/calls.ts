import type { Node, Value } from "../../../ir/graph.ts";
import { operandValues } from "../../../ir/node.ts";
import { isScalarNode } from "../../../passes/facts.ts";
import { addDims, constantDim, dim, sameDim, showDim, type Dim } from "../../../tensor/dim.ts";
import { call } from "../../call.ts";
import { NoForm } from "../graph.ts";
import type { Labels } from "./labels.ts";

/** How a node is written: a chain behind a value or a tuple, an operator between two, a number, or a call of no value. */
export type Form =
  | { readonly kind: "step"; readonly of: readonly Value[]; readonly call: string }
  | { readonly kind: "infix"; readonly operator: string; readonly of: readonly [Value, Value] }
  | { readonly kind: "not"; readonly of: readonly [Value] }
  | { readonly kind: "atom"; readonly text: string }
  | { readonly kind: "source"; readonly text: string };

const step = (call: string, ...of: readonly Value[]): Form => ({ kind: "step", of, call });

/** The layers that go by their op's name, with no argument. */
const plain = new Set(
  "neg abs exp log sqrt rsqrt sin cos tanh sigmoid erf relu relu2 silu softplus square floor gelu".split(" "),
);

const operators: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  mod: "%",
  pow: "^",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  and: "and",
  or: "or",
};

export const sizes = (shape: readonly Dim[]): string => `[${shape.map(spaced).join(", ")}]`;

/** A size as an expression: `2 * T + 1`. */
export const spaced = (size: Dim): string => showDim(size).replaceAll("*", " * ");

export function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new NoForm(`the number ${value}`);
  const [plainText, short] = [String(value), value.toExponential()];
  return (short.length < plainText.length ? short : plainText).replace("e+", "e");
}

/** How `.lmg` says what a node does. Throws NoForm for what it has no words for. */
export function formOf(node: Node, labels: Labels): Form {
  if (isScalarNode(node)) return scalarForm(node);
  switch (node.op) {
    case "full":
      if (node.attrs.shape.length > 0) throw new NoForm(`a tensor of one number, ${sizes(node.attrs.shape)}`);
      if (node.attrs.dtype === "bool") throw new NoForm("a truth of its own");
      return { kind: "atom", text: numberText(node.attrs.value) };
    case "iota":
      if (constantDim(node.attrs.start) !== 0) throw new NoForm("a range that begins late");
      return { kind: "source", text: `range(${spaced(node.attrs.size)})` };
    case "l2_norm":
      return step(call("l2norm", { eps: node.attrs.eps }), node.operands.x);
    case "matmul":
      return step(
        call("matmul", { transpose: node.attrs.transpose_b || undefined }),
        node.operands.a,
        node.operands.b,
      );
    case "max_pool2d":
      return step(windowCall("maxpool", node.attrs.kernel, node.attrs), node.operands.x);
    case "rope": {
      const { theta, pairs } = node.attrs;
      const given = {
        theta: theta === 10000 ? undefined : theta,
        pairs: pairs === "halves" ? undefined : pairs,
      };
      return step(call("rope", given), node.operands.x);
    }
    case "attend":
      return attendForm(node);
    case "embedding":
    case "linear":
    case "layer_norm":
    case "rms_norm":
    case "batch_norm":
    case "conv2d":
      return weightedForm(node, labels);
    default:
      return moveForm(node) ?? reduceForm(node);
  }
}

/** What moves elements and computes nothing. */
function moveForm(node: Node): Form | undefined {
  switch (node.op) {
    case "cast":
      return step(`cast(${node.attrs.dtype})`, node.operands.x);
    case "reshape":
      return step(reshapeCall(node.operands.x, node.attrs.shape), node.operands.x);
    case "permute":
      return step(`permute([${node.attrs.axes.join(", ")}])`, node.operands.x);
    case "broadcast":
      return step(expandCalls(node.operands.x, node.attrs.shape), node.operands.x);
    case "slice": {
      const { axis, start, size } = node.attrs;
      return step(
        `slice(${spaced(start)}, end: ${spaced(addDims(start, size))}, axis: ${axis})`,
        node.operands.x,
      );
    }
    case "concat":
      return step(`concat(${node.attrs.axis})`, ...node.operands.values);
    default:
      return undefined;
  }
}

/** What folds an axis or runs along one. */
function reduceForm(node: Node): Form {
  switch (node.op) {
    case "softmax":
    case "log_softmax": {
      const isLast = node.attrs.axis === -1 || node.attrs.axis === node.operands.x.type.shape.length - 1;
      return step(call(node.op, { axis: isLast ? undefined : node.attrs.axis }), node.operands.x);
    }
    case "reduce_mean":
    case "reduce_sum":
    case "reduce_max":
    case "reduce_min": {
      const { axes, keep } = node.attrs;
      return step(
        call(node.op.replace("reduce_", ""), { axes: `[${axes.join(", ")}]`, keep: keep ? true : undefined }),
        node.operands.x,
      );
    }
    case "cumsum":
      return step(`cumsum(${node.attrs.axis})`, node.operands.x);
    case "topk":
      return step(`topk(${node.attrs.k})`, node.operands.x);
    case "take":
      return step("take", node.operands.x, node.operands.indices);
    default:
      throw new NoForm(node.op);
  }
}

function scalarForm(node: Extract<Node, { origin: unknown }>): Form {
  const of = operandValues(node);
  if (node.op === "not") return { kind: "not", of: [of[0]!] };
  const operator = Object.hasOwn(operators, node.op) ? operators[node.op] : undefined;
  if (operator !== undefined) return { kind: "infix", operator, of: [of[0]!, of[1]!] };
  if (node.op === "gelu_tanh") return step("gelu(approx: tanh)", ...of);
  if (plain.has(node.op) || node.op === "where" || node.op === "min" || node.op === "max")
    return step(node.op, ...of);
  throw new NoForm(node.op);
}

/** A reshape that adds or takes one axis of one is said so. */
function reshapeCall({ type }: Value, shape: readonly Dim[]): string {
  const without = (longer: readonly Dim[], shorter: readonly Dim[]): number | undefined => {
    if (longer.length !== shorter.length + 1) return undefined;
    const axis = longer.findIndex(
      (size, at) =>
        constantDim(size) === 1 &&
        shorter.every((each, index) => sameDim(each, longer[index < at ? index : index + 1])),
    );
    return axis < 0 ? undefined : axis;
  };
  const [batch, length] = type.shape;
  const isKeyMask =
    type.dtype === "bool" &&
    type.shape.length === 2 &&
    shape.length === 4 &&
    [batch, dim(1), dim(1), length].every((size, axis) => sameDim(size, shape[axis]));
  if (isKeyMask) return "key_mask";
  const added = without(shape, type.shape);
  if (added !== undefined) return `unsqueeze(${added})`;
  const taken = without(type.shape, shape);
  return taken === undefined ? `reshape(${sizes(shape)})` : `squeeze(${taken})`;
}

function expandCalls({ type }: Value, shape: readonly Dim[]): string {
  if (shape.length !== type.shape.length) throw new NoForm("a value that is stretched to more axes");
  const steps = shape.flatMap((size, axis) =>
    sameDim(size, type.shape[axis]) ? [] : [`expand(${axis}, ${spaced(size)})`],
  );
  return steps.join(" -> ");
}

const list = (values: readonly number[]): string =>
  values.every((value) => value === values[0]) ? String(values[0]) : `[${values.join(", ")}]`;

interface Windows {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

const windowCall = (name: string, kernel: readonly number[], { stride, padding }: Windows): string =>
  call(
    name,
    {
      stride: list(stride) === list(kernel) ? undefined : list(stride),
      padding: padding.some((size) => size > 0) ? list(padding) : undefined,
    },
    list(kernel),
  );

function attendForm(node: Extract<Node, { op: "attend" }>): Form {
  const { q, k, v, bias, mask } = node.operands;
  const { causal, window, softcap, scale, alibi } = node.attrs;
  const width = constantDim(q.type.shape[3]!);
  const extras = [bias, mask].filter((each) => each !== undefined);
  return step(
    call("attend", {
      causal: causal || undefined,
      window,
      softcap: softcap === 0 ? undefined : softcap,
      scale: width !== undefined && scale === width ** -0.5 ? undefined : scale,
      alibi: alibi || undefined,
    }),
    q,
    k,
    v,
    ...extras,
  );
}

type Weighted = Extract<
  Node,
  { op: "embedding" | "linear" | "layer_norm" | "rms_norm" | "batch_norm" | "conv2d" }
>;

/** A layer with its label; what shares parameters with another is written with them as values. */
function weightedForm(node: Weighted, labels: Labels): Form {
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
