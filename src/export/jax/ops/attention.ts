import type { NodeOf, Value } from "../../../ir/graph.ts";
import { alibiSlopes } from "../../../ops/evaluate/attend.ts";
import { readsLength, ropeFrequencies, ropeWidth } from "../../../ops/evaluate/rope.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { Refused } from "../../table.ts";
import { atom, number, type Expression } from "../../torch/python.ts";
import type { JaxTable, Site } from "../site.ts";

/** Heads in front of positions. */
const viewOf = (value: Value, layout: "heads_first" | "heads_last", site: Site): string =>
  layout === "heads_first" ? site.read(value) : `jnp.swapaxes(${site.read(value)}, 1, 2)`;

const back = (text: string, layout: "heads_first" | "heads_last"): Expression =>
  atom(layout === "heads_first" ? text : `jnp.swapaxes(${text}, 1, 2)`);

function attend({ operands: { q, k, v, bias, mask }, attrs }: NodeOf<"attend">, site: Site): Expression {
  const { layout, scale, softcap, causal, window, alibi } = attrs;
  const [head, row] = layout === "heads_first" ? [1, 2] : [2, 1];
  const slopes = alibi
    ? `${site.helper("alibi")}(${site.constant("SLOPES", alibiSlopes(constantDim(q.type.shape[head]!)!))}, ${site.dim(q.type.shape[row]!)}, ${site.dim(k.type.shape[row]!)})`
    : undefined;
  const biases = [
    ...(bias === undefined ? [] : [site.read(bias)]),
    ...(slopes === undefined ? [] : [slopes]),
  ];
  const more = [
    number(scale),
    ...(causal ? ["causal=True"] : []),
    ...(window === undefined ? [] : [`window=${window}`]),
    ...(softcap === 0 ? [] : [`softcap=${number(softcap)}`]),
    ...(biases.length === 0 ? [] : [`bias=${biases.join(" + ")}`]),
    ...(mask === undefined ? [] : [`mask=${site.read(mask)}`]),
  ];
  const views = [q, k, v].map((value) => viewOf(value, layout, site));
  return back(`${site.helper("attend")}(${[...views, ...more].join(", ")})`, layout);
}

function rope(node: NodeOf<"rope">, site: Site): Expression {
  const { x, positions } = node.operands;
  const { layout, pairs, inverse } = node.attrs;
  if (inverse) throw new Refused("attribute", "rope turned back", node);
  const rows = x.type.shape[layout === "heads_first" ? 2 : 1]!;
  const table =
    positions === undefined
      ? site.hoisted("rope", (top) =>
          tableText(node, top, `np.arange(${top.dim(rows)})`, top.dim(rows), "rotary"),
        )
      : tableText(node, site, placesText(positions, site), undefined, "rotary_at");
  const name = site.helper(pairs === "halves" ? "turn" : "turn_pairs");
  return back(`${name}(${viewOf(x, layout, site)}, ${table})`, layout);
}

/** With an axis for the heads where each text of a batch has positions of its own. */
const placesText = (positions: Value, site: Site): string =>
  positions.type.shape.length === 2 ? `${site.atom(positions)}[:, None]` : site.atom(positions);

function tableText(
  node: NodeOf<"rope">,
  site: Site,
  at: string,
  length: string | undefined,
  name: "rotary" | "rotary_at",
): string {
  const { attrs } = node;
  const scale = attrs.attention_factor === 1 ? "" : `, scale=${number(attrs.attention_factor)}`;
  return `${site.helper(name)}(${at}, ${frequencies(node, site, length)}${scale})`;
}

function frequencies(node: NodeOf<"rope">, site: Site, length: string | undefined): string {
  const { attrs } = node;
  const width = constantDim(node.operands.x.type.shape[3]!)!;
  if (attrs.scaling === "none")
    return `${site.helper("frequencies")}(${ropeWidth(attrs, width)}, ${number(attrs.theta)})`;
  const all = (tokens: number): string =>
    site.constant("FREQUENCIES", [...ropeFrequencies(attrs, width, tokens)]);
  if (attrs.scaling === "dynamic") {
    const turning = ropeWidth(attrs, width);
    if (length === undefined)
      throw new Refused("attribute", "dynamic rope of positions that are given", node);
    const base = `${number(attrs.factor)} * max(${length}, ${attrs.original}) / ${attrs.original} - ${number(attrs.factor - 1)}`;
    return `${site.helper("frequencies")}(${turning}, ${number(attrs.theta)} * (${base}) ** (${turning} / ${turning - 2}))`;
  }
  if (!readsLength(attrs)) return all(1);
  if (length === undefined)
    throw new Refused("attribute", "rope scaled by the length of positions that are given", node);
  return `${all(attrs.original + 1)} if ${length} > ${attrs.original} else ${all(1)}`;
}

export const attention: Pick<JaxTable, "attend" | "rope" | "linear_attend"> = {
  attend,
  rope,
  linear_attend: ({ operands: { q, k, v, decay, beta, state } }, site) => {
    const more = Object.entries({ decay, beta, state }).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${site.read(value)}`],
    );
    return atom(`${site.helper("linear_attend")}(${[...[q, k, v].map(site.read), ...more].join(", ")})`);
  },
};
