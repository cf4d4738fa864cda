import { addNormAffines, addNormDoc, addNormName, addNormResults } from "../../../kernels/norms.ts";
import type { View } from "../../../kernels/view.ts";
import type { AttributesOf } from "../../../ops/table.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { invariant } from "../../../support/invariant.ts";
import { CallBuilder } from "../call.ts";
import { forLoop, numberText, sumText } from "../../module/text.ts";
import { walk, walkedRows } from "../walk.ts";
import type { TsKernel } from "./kernel.ts";
import { affineText, normText, rounding } from "./row-norm.ts";
import type { Code } from "../../../support/text.ts";

type Attrs = AttributesOf<"add_norm">;

/**
 * A residual edge's join and the norms of its sum, a row at a time: the sum is stored (or, if nobody keeps it, put where
 * the first norm's result will be), read back for the statistics and the norms, all while the row is in the cache.
 */
export const add_norm: TsKernel<"add_norm"> = ({ operands, attrs, results }, naming) => {
  const call = new CallBuilder(naming);
  const { outs, sum } = addNormResults(results, attrs);
  call.size("width", operands.source.type.shape.at(-1)!);
  const joined = [
    walkedRows(call, "source", operands.source),
    ...operands.branches.map((view, index) => walkedRows(call, numbered("branch", index), view)),
  ];
  const vector = (name: string, view: View | undefined) => view && vectorText(call, name, view);
  const bias = vector("branchBias", operands.bias);
  const gains = {
    source: vector("sourceGain", operands.source_gain),
    branch: vector("branchGain", operands.branch_gain),
  };
  const inner = {
    weight: vector("innerWeight", operands.inner_weight),
    bias: vector("innerBias", operands.inner_bias),
    unitOffset: attrs.inner_unit_offset,
  };
  const affines = addNormAffines(operands, attrs).map(({ weight, bias }, index) => ({
    weight: vector(numbered("weight", index), weight),
    bias: vector(numbered("bias", index), bias),
    unitOffset: attrs.unit_offset,
  }));
  const stored = [
    ...outs.map((view, index) => walkedRows(call, numbered("out", index), view)),
    ...(sum === undefined ? [] : [walkedRows(call, "sum", sum)]),
  ];
  const dtype = operands.source.type.dtype;
  const all = [...joined, ...stored];
  const { loops } = walk(call, operands.source.type.shape.slice(0, -1), all, "row");
  const kept = sum === undefined ? "out" : "sum";
  const body = loops((at) => {
    const branches = operands.branches.map((_, index) => rowElement(numbered("branch", index)));
    const terms = bias === undefined ? branches : [...branches, bias];
    const source = scaled(rowElement("source"), attrs.source_scale, gains.source);
    const join = joinText(call, { terms, source, attrs, inner, branchGain: gains.branch, dtype });
    const norm = attrs.norm === "none" ? undefined : normText(attrs.norm, attrs.eps, rowElement(kept));
    return [
      ...all.map(({ name }, index) => `const ${name}Row = ${at[index]!};`),
      ...join.lines,
      ...forLoop("i", "width", [`${rowElement(kept)} = ${join.element};`]),
      ...(norm === undefined ? [] : norm.lines),
      ...(norm === undefined
        ? []
        : forLoop("i", "width", [
            `const normalized = ${norm.normalized(rowElement(kept))};`,
            ...affines.map(
              (affine, index) =>
                `${rowElement(numbered("out", index))} = ${affineText(call, "normalized", affine, dtype, attrs.cast)};`,
            ),
          ])),
    ];
  });
  return call.finish(
    addNormName(operands.branches.length, attrs),
    [addNormDoc(attrs, numberText(attrs.eps))],
    body,
  );
};

/** `out`, `out2`, `out3`: the first of several has no number. */
const numbered = (name: string, index: number): string => (index === 0 ? name : `${name}${index + 1}`);

/** The element of the row that the loop over `i` is at. */
const rowElement = (name: string): string => `${name}[${name}Row + i]`;

/** A vector of the row's width, or one number for all. */
function vectorText(call: CallBuilder, name: string, view: View): string {
  const start = call.tensor(name, view);
  return constantDim(elementsOf(view.type)) === 1 ? `${name}[${start}]` : `${name}[${sumText(start, "i")}]`;
}

const scaled = (element: string, scale: number, gain: string | undefined): string =>
  [...(scale === 1 ? [] : [numberText(scale)]), ...(gain === undefined ? [] : [gain]), element].join(" * ");

interface Join {
  readonly terms: readonly string[];
  readonly source: string;
  readonly attrs: Attrs;
  readonly inner: {
    readonly weight: string | undefined;
    readonly bias: string | undefined;
    readonly unitOffset: boolean;
  };
  readonly branchGain: string | undefined;
  readonly dtype: View["type"]["dtype"];
}

/** The element of the sum; the out-norm of the branch needs lines before it. */
function joinText(call: CallBuilder, { terms, source, attrs, inner, branchGain, dtype }: Join) {
  const added = (element: string): string => scaled(element, attrs.branch_scale, branchGain);
  const [first] = terms;
  invariant(first !== undefined, "an edge without branches");
  if (attrs.order === "in_turn")
    return { lines: [] as Code[], element: [source, ...terms.map(added)].join(" + ") };
  const isPlain = attrs.branch_scale === 1 && branchGain === undefined;
  const branch = terms.length === 1 ? first : `(${terms.join(" + ")})`;
  if (attrs.inner === "none") {
    const element = isPlain && terms.length === 1 ? `${source} + ${first}` : `${source} + ${added(branch)}`;
    return { lines: [] as Code[], element };
  }
  const norm = normText(attrs.inner, attrs.inner_eps, terms.join(" + "), "inner");
  const affine = affineText(call, norm.normalized(branch), inner, dtype, attrs.cast);
  const isOneProduct = inner.bias === undefined && rounding(call, dtype)("x") === "x";
  const normed = isPlain || isOneProduct ? affine : `(${affine})`;
  return { lines: [...norm.lines], element: `${source} + ${added(normed)}` };
}
