import type { NodeOf, Value } from "../../../ir/graph.ts";
import { Refused } from "../../table.ts";
import { atom, literal, number, sum, type Expression } from "../../torch/python.ts";
import type { JaxTable, Site } from "../site.ts";

const optional = (value: Value | undefined, site: Site): string =>
  value === undefined ? "None" : site.read(value);

/** What stands on the stream has its place among the devices. */
const onStream = (x: Value, text: string, site: Site): Expression =>
  atom(x.type.shape.length === 3 ? `${site.helper("stream")}(${text})` : text);

const linear = (
  { operands: { x, weight, bias }, attrs: { layout } }: NodeOf<"linear">,
  site: Site,
): Expression =>
  sum(
    `${site.atom(x)} @ ${site.atom(weight)}${layout === "in_out" ? "" : ".T"}${bias === undefined ? "" : ` + ${site.atom(bias)}`}`,
  );

const conv2d = ({ operands: { x, weight, bias }, attrs }: NodeOf<"conv2d">, site: Site): Expression => {
  const around = literal(attrs.padding.map((size) => [size, size]));
  const made = `lax.conv_general_dilated(${site.read(x)}, ${site.read(weight)}, ${literal(attrs.stride)}, ${around}, feature_group_count=${attrs.groups})`;
  return bias === undefined ? atom(made) : sum(`${made} + ${site.atom(bias)}[:, None, None]`);
};

const routed = (
  { operands: { x, weight, chosen }, attrs: { layout } }: NodeOf<"routed_linear">,
  site: Site,
): Expression => {
  const matrices = layout === "in_out" ? `jnp.swapaxes(${site.read(weight)}, 1, 2)` : site.read(weight);
  return atom(`${site.helper("routed_linear")}(${site.read(x)}, ${matrices}, ${site.read(chosen)})`);
};

const rmsNorm = ({ operands: { x, weight, bias }, attrs }: NodeOf<"rms_norm">, site: Site): Expression => {
  const gain =
    weight !== undefined && attrs.unit_offset ? `1 + ${site.atom(weight)}` : optional(weight, site);
  return onStream(
    x,
    `${site.helper("rms_norm")}(${site.read(x)}, ${gain}, ${optional(bias, site)}, ${number(attrs.eps)})`,
    site,
  );
};

export const layers: Pick<
  JaxTable,
  | "matmul"
  | "linear"
  | "embedding"
  | "conv2d"
  | "max_pool2d"
  | "routed_linear"
  | "layer_norm"
  | "rms_norm"
  | "l2_norm"
  | "batch_norm"
  | "batch_statistics"
  | "dropout"
  | "residual"
  | "cross_entropy"
  | "mean_squared_error"
  | "accuracy"
> = {
  matmul: ({ operands: { a, b }, attrs: { transpose_b: isTurned } }, site) =>
    sum(`${site.atom(a)} @ ${isTurned ? `jnp.swapaxes(${site.read(b)}, -1, -2)` : site.atom(b)}`),
  linear,
  embedding: ({ operands: { table, ids } }, site) => atom(`${site.atom(table)}[${site.read(ids)}]`),
  conv2d,
  max_pool2d: ({ operands: { x }, attrs: { kernel, stride, padding } }, site) =>
    atom(
      `${site.helper("max_pool")}(${[site.read(x), ...[kernel, stride, padding].map(literal)].join(", ")})`,
    ),
  routed_linear: routed,
  layer_norm: ({ operands: { x, weight, bias }, attrs: { eps } }, site) =>
    onStream(
      x,
      `${site.helper("layer_norm")}(${site.read(x)}, ${optional(weight, site)}, ${optional(bias, site)}, ${number(eps)})`,
      site,
    ),
  rms_norm: rmsNorm,
  l2_norm: ({ operands: { x }, attrs: { eps } }, site) =>
    atom(`${site.helper("l2_norm")}(${site.read(x)}, ${number(eps)})`),
  batch_norm: ({ operands: { x, mean, variance, weight, bias }, attrs: { eps, axis } }, site) =>
    atom(
      `${site.helper("batch_norm")}(${[x, mean, variance].map(site.read).join(", ")}, ${optional(weight, site)}, ${optional(bias, site)}, ${number(eps)}, ${axis})`,
    ),
  batch_statistics: (node) => {
    throw new Refused("op", "a batch norm that takes the batch's statistics", node);
  },
  dropout: ({ operands: { x }, attrs: { rate } }, site) =>
    atom(`${site.helper("drop")}(${site.read(x)}, ${number(rate)}, ${site.key()}, ${site.draw()})`),
  residual: ({ operands, attrs, results }, site) => {
    const { source, branches, source_gain: sourceGain, branch_gain: branchGain } = operands;
    const carried = scaled(attrs.source_scale, sourceGain && site.atom(sourceGain), site.atom(source));
    // Branches are added to each other first.
    const added = branches.length > 1 ? `(${branches.map(site.atom).join(" + ")})` : site.atom(branches[0]!);
    const whole = `${carried} + ${scaled(attrs.branch_scale, branchGain && site.atom(branchGain), added)}`;
    return onStream(results[0]!, whole, site);
  },
  cross_entropy: ({ operands: { logits, targets }, attrs: { smoothing, ignore } }, site) => {
    const more = [
      ...(smoothing === 0 ? [] : [`smoothing=${number(smoothing)}`]),
      ...(ignore === undefined ? [] : [`ignore=${ignore}`]),
    ];
    return atom(
      `${site.helper("cross_entropy")}(${[site.read(logits), site.read(targets), ...more].join(", ")})`,
    );
  },
  mean_squared_error: ({ operands: { x, y } }, site) =>
    atom(`jnp.mean(jnp.square(${site.atom(x)} - ${site.atom(y)}))`),
  accuracy: ({ operands: { logits, targets }, attrs: { ignore } }, site) =>
    atom(
      `${site.helper("accuracy")}(${[site.read(logits), site.read(targets), ...(ignore === undefined ? [] : [`ignore=${ignore}`])].join(", ")})`,
    ),
};

function scaled(scale: number, gain: string | undefined, value: string): string {
  const factors = [
    ...(scale === 1 ? [] : [scale < 0 ? `(${number(scale)})` : number(scale)]),
    ...(gain === undefined ? [] : [gain]),
  ];
  return [...factors, value].join(" * ");
}
