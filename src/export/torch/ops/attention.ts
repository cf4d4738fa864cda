import type { NodeOf, Value } from "../../../ir/graph.ts";
import { alibiSlopes } from "../../../ops/evaluate/attend.ts";
import { readsLength, ropeFrequencies, ropeWidth } from "../../../ops/evaluate/rope.ts";
import { constantDim, sameDim, type Dim } from "../../../tensor/dim.ts";
import { Refused } from "../../table.ts";
import { atom, number, sum, type Expression } from "../python.ts";
import type { Site, TorchTable } from "../site.ts";

const sizes = ({ type }: Value, layout: "heads_first" | "heads_last") => {
  const [batch, second, third, width] = type.shape as readonly [Dim, Dim, Dim, Dim];
  const [heads, rows] = layout === "heads_first" ? [second, third] : [third, second];
  return { batch, heads, rows, width };
};

function attend(node: NodeOf<"attend">, site: Site): Expression {
  const { q, k, v } = node.operands;
  const { layout, scale, softcap } = node.attrs;
  const [query, key] = [sizes(q, layout), sizes(k, layout)];
  const view = (value: Value): string =>
    layout === "heads_first" ? site.read(value) : `${site.atom(value)}.transpose(1, 2)`;
  const { bias, seen, isCausal } = maskOf(node, site);
  const parts = [view(q), view(k), view(v)];
  let call: string;
  if (softcap !== 0) {
    const more = [`scale=${number(scale)}`, `softcap=${number(softcap)}`];
    const rows = seen ?? (isCausal ? seenText(site, query.rows, key.rows, true, undefined) : undefined);
    if (bias !== undefined) more.push(`bias=${bias}`);
    if (rows !== undefined) more.push(`seen=${rows}`);
    call = `${site.helper("attend")}(${[...parts, ...more].join(", ")})`;
  } else {
    const mask =
      bias === undefined ? seen : seen === undefined ? bias : `${site.helper("hide")}(${bias}, ${seen})`;
    const more = [
      ...(mask === undefined ? [] : [`attn_mask=${mask}`]),
      ...(isCausal ? ["is_causal=True"] : []),
      `scale=${number(scale)}`,
      ...(sameDim(query.heads, key.heads) ? [] : ["enable_gqa=True"]),
    ];
    call = `F.scaled_dot_product_attention(${[...parts, ...more].join(", ")})`;
  }
  return atom(layout === "heads_first" ? call : `${call}.transpose(1, 2)`);
}

/** What is added to scores, and which keys are seen, if not all or those before alone. */
function maskOf(node: NodeOf<"attend">, site: Site) {
  const { q, k, bias: given, mask } = node.operands;
  const { causal, window, alibi, layout } = node.attrs;
  const [{ rows, heads }, { rows: columns }] = [sizes(q, layout), sizes(k, layout)];
  const slopes = alibi ? alibiText(site, constantDim(heads)!, rows, columns) : undefined;
  const added = [
    ...(given === undefined ? [] : [site.read(given)]),
    ...(slopes === undefined ? [] : [slopes]),
  ];
  const bias = added.length === 0 ? undefined : added.join(" + ");
  const varied = site.varied(node, "window");
  // torch's own causal mask begins at the first key, lmg's ends at the last: they are one where all keys are read.
  const isCausal =
    causal &&
    window === undefined &&
    varied === undefined &&
    mask === undefined &&
    bias === undefined &&
    sameDim(rows, columns);
  const near = varied ?? (window === undefined ? undefined : String(window));
  const places =
    !isCausal && (causal || near !== undefined) ? seenText(site, rows, columns, causal, near) : undefined;
  const masks = [...(mask === undefined ? [] : [site.atom(mask)]), ...(places === undefined ? [] : [places])];
  return { bias, seen: masks.length === 0 ? undefined : masks.join(" & "), isCausal };
}

const seenText = (site: Site, rows: Dim, columns: Dim, causal: boolean, window: string | undefined): string =>
  `${site.helper("seen")}(${site.dim(rows)}, ${site.dim(columns)}, ${site.device()}, causal=${causal ? "True" : "False"}` +
  `${window === undefined ? "" : `, window=${window}`})`;

const alibiText = (site: Site, heads: number, rows: Dim, columns: Dim): string => {
  const slopes = site.constant("SLOPES", alibiSlopes(heads));
  return `${site.helper("alibi")}(${slopes}, ${site.dim(rows)}, ${site.dim(columns)}, ${site.device()})`;
};

/** `turn(q, rope)`: the cosines and sines of a text are made once, at the beginning of a forward. */
function rope(node: NodeOf<"rope">, site: Site): Expression {
  const { x, positions } = node.operands;
  const { rows } = sizes(x, node.attrs.layout);
  const table =
    positions === undefined
      ? site.hoisted("rope", (top) =>
          ropeTable(node, top, `torch.arange(${top.dim(rows)}, device=${top.device()})`, top.dim(rows)),
        )
      : ropeTable(node, site, placesText(positions, site), `${site.atom(positions)}.max() + 1`);
  return turned(node, site, table);
}

/** x turned by a table of cosines and sines. */
export function turned(node: NodeOf<"rope">, site: Site, table: string): Expression {
  const { x } = node.operands;
  const { layout, pairs, inverse } = node.attrs;
  if (inverse) throw new Refused("attribute", "rope turned back", node);
  const isPart = constantDim(x.type.shape[3]!) !== ropeWidth(node.attrs, constantDim(x.type.shape[3]!)!);
  const name = pairs === "halves" ? "turn" : "turn_pairs";
  const view = layout === "heads_first" ? site.read(x) : `${site.atom(x)}.transpose(1, 2)`;
  const call = `${site.helper(isPart ? `${name}_part` : name)}(${view}, ${table})`;
  return atom(layout === "heads_first" ? call : `${call}.transpose(1, 2)`);
}

/** With an axis for the heads where each text of a batch has positions of its own. */
const placesText = (positions: Value, site: Site): string =>
  positions.type.shape.length === 2 ? `${site.atom(positions)}.unsqueeze(1)` : site.read(positions);

/** `rotary(positions, frequencies)`, of a text as long as that. */
export function ropeTable(node: NodeOf<"rope">, site: Site, at: string, length: string): string {
  const { attrs } = node;
  const width = constantDim(node.operands.x.type.shape[3]!)!;
  const scale = attrs.attention_factor === 1 ? "" : `, scale=${number(attrs.attention_factor)}`;
  return `${site.helper("rotary")}(${at}, ${frequencies(node, site, width, length)}${scale})`;
}

function frequencies({ attrs }: NodeOf<"rope">, site: Site, width: number, length: string): string {
  const turning = ropeWidth(attrs, width);
  const { scaling, theta, factor, original } = attrs;
  if (scaling === "none") return `${site.helper("frequencies")}(${turning}, ${number(theta)})`;
  if (scaling === "dynamic")
    return `${site.helper("frequencies_of_length")}(${turning}, ${number(theta)}, ${number(factor)}, ${original}, ${length})`;
  const all = (tokens: number): string =>
    site.constant("FREQUENCIES", [...ropeFrequencies(attrs, width, tokens)]);
  if (!readsLength(attrs)) return all(1);
  return `${all(original + 1)} if ${length} > ${original} else ${all(1)}`;
}

const linearAttend = ({ operands }: NodeOf<"linear_attend">, site: Site): Expression => {
  const { q, k, v, decay, beta, state } = operands;
  const more = Object.entries({ decay, beta, state }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${site.read(value)}`],
  );
  return atom(`${site.helper("linear_attend")}(${[...[q, k, v].map(site.read), ...more].join(", ")})`);
};

export const attention: Pick<TorchTable, "attend" | "rope" | "linear_attend" | "residual"> = {
  attend,
  rope,
  linear_attend: linearAttend,
  residual: ({ operands, attrs }, site) => {
    const { source, branches, source_gain: sourceGain, branch_gain: branchGain } = operands;
    const added = branches.map(site.atom).join(" + ");
    const carried = scaled(attrs.source_scale, sourceGain && site.atom(sourceGain), site.atom(source));
    const isScaled = attrs.branch_scale !== 1 || branchGain !== undefined;
    const branch = isScaled && branches.length > 1 ? `(${added})` : added;
    // Branches are added to each other first.
    const whole = !isScaled && branches.length > 1 ? `(${branch})` : branch;
    return sum(`${carried} + ${scaled(attrs.branch_scale, branchGain && site.atom(branchGain), whole)}`);
  },
};

function scaled(scale: number, gain: string | undefined, value: string): string {
  const factors = [
    ...(scale === 1 ? [] : [scale < 0 ? `(${number(scale)})` : number(scale)]),
    ...(gain === undefined ? [] : [gain]),
  ];
  return [...factors, value].join(" * ");
}
