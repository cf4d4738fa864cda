import type { Value } from "../../ir/graph.ts";
import { dim } from "../../tensor/dim.ts";
import { sameShape, showType } from "../../tensor/type.ts";
import { defineLayer, initOf, int, optionalText, shape, word, type Site } from "./define.ts";
import { needRank, reshape } from "./shapes-of.ts";

/** A row for each choice, or one that all choices of a place read: [.., C, K] or [.., 1, K] of [.., K]. */
function rowsOf(site: Site, x: Value, chosen: Value): Value {
  const sizes = x.type.shape;
  if (sizes.length === chosen.type.shape.length + 1) return x;
  if (sizes.length !== chosen.type.shape.length || sizes.length < 1)
    return site.fail(`expected rows for the choices ${showType(chosen.type)}, got ${showType(x.type)}`, x);
  return reshape(site, x, [...sizes.slice(0, -1), dim(1), sizes.at(-1)!]);
}

/** Layers that compute with what was chosen among several. */
export const routedLayers = {
  parameters: defineLayer({
    doc:
      "n learned tensors of one shape as one, [n, ..shape]; checkpoints have tensor i as LABEL.i, or LABEL.i.name, as experts " +
      "are called that are published one by one, and the model calls all of them LABEL.*.name",
    operands: [],
    parameters: { n: int(), shape: shape(), name: optionalText(), init: initOf() },
    owns: ["*"],
    build: (site, _, { n, shape: sizes, name, init }) => {
      if (n < 1 || sizes.length === 0)
        return site.fail(`\`parameters\` are at least one, of one axis or more`);
      const part = ["*", name].filter((each) => each).join(".");
      return site.own(part, [n, ...sizes], { init: init ?? { kind: "normal", mean: 0, std: 0.02 } });
    },
  }),
  routed_linear: defineLayer({
    doc:
      "x Wᵀ + b with the matrix that is chosen: x [.., K], or [.., C, K] with a row for each choice, chosen i32[.., C] and " +
      "weight [E, N, K], or [E, K, N] with layout: in_out, → [.., C, N]; bias [E, N]. Only what is chosen is computed",
    operands: ["x", "chosen", "weight", "bias?"],
    parameters: { layout: word(["out_in", "in_out"], "out_in") },
    owns: [],
    build: (site, [x, chosen, weight, bias], { layout }) => {
      needRank(site, chosen!, 1, "i32[.., C]");
      const rows = rowsOf(site, x!, chosen!);
      const out = site.emit("routed_linear", { x: rows, weight: weight!, chosen: chosen! }, { layout });
      if (bias === undefined) return out;
      const [experts, outputs] = [weight!.type.shape[0]!, out.type.shape.at(-1)!];
      if (!sameShape(bias.type.shape, [experts, outputs]))
        return site.fail(
          `expected a row for each matrix of ${showType(weight!.type)}, got ${showType(bias.type)}`,
          bias,
        );
      const added = site.emit("embedding", { table: bias, ids: chosen! }, {});
      return site.emit("add", { x: out, y: added }, {});
    },
  }),
} as const;
