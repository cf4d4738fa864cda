import type { Node, Value } from "../../../ir/graph.ts";
import { operandValues } from "../../../ir/node.ts";
import { isScalarNode } from "../../../passes/facts.ts";
import { addDims, constantDim, dim, sameDim, type Dim } from "../../../tensor/dim.ts";
import { call } from "../../call.ts";
import { NoForm } from "../graph.ts";
import { list, numberText, sizes, spaced, step, type Form } from "./words.ts";
import type { Labels } from "./labels.ts";
import { weightedForm } from "./layers.ts";

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
      const { theta, dims, pairs } = node.attrs;
      const given = {
        dims: dims === 0 ? undefined : dims,
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
