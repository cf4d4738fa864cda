import { addNormAffines, addNormDoc, addNormName, addNormResults } from "../../../kernels/norms.ts";
import type { View } from "../../../kernels/view.ts";
import type { AttributesOf } from "../../../ops/table.ts";
import { invariant } from "../../../support/invariant.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { numberText } from "../../module/text.ts";
import { KernelBuilder } from "../builder.ts";
import { plus, rounded, times } from "../formula.ts";
import type { Expression, Name } from "../tree.ts";
import type { Place } from "../place.ts";
import { eachRow } from "../walk.ts";
import type { Loops } from "./kernel.ts";
import { affine, beginStatistics, statistics, type Affine, type Row } from "./row-norm.ts";

type Attrs = AttributesOf<"add_norm">;

/**
 * A residual edge's join and the norms of its sum, a row at a time: the sum is stored (or, if nobody keeps it, put where
 * the first norm's result will be; to add it up again took no less), its statistics taken meanwhile, and read back for the norms, all while
 * the row is in the cache. Sums are of what is stored, rounded as it is.
 */
export const add_norm: Loops<"add_norm"> = ({ operands, attrs, results }) => {
  const k = new KernelBuilder();
  const { outs, sum } = addNormResults(results, attrs);
  const { shape, dtype } = operands.source.type;
  const width = k.size("width", shape.at(-1)!);
  const named = (name: string, views: readonly View[]): Place[] =>
    views.map((view, index) => k.tensor(numbered(name, index), view));
  const [source, branches] = [k.tensor("source", operands.source), named("branch", operands.branches)];
  const join = {
    ...attrs,
    width,
    dtype,
    shift: k.maybe("branchBias", operands.bias),
    sourceGain: vector(k.maybe("sourceGain", operands.source_gain)),
    branchGain: vector(k.maybe("branchGain", operands.branch_gain)),
    affine: {
      weight: k.maybe("innerWeight", operands.inner_weight),
      bias: k.maybe("innerBias", operands.inner_bias),
      unitOffset: attrs.inner_unit_offset,
    },
  };
  const affines = addNormAffines(operands, attrs).map(({ weight, bias }, index) => ({
    weight: k.maybe(numbered("weight", index), weight),
    bias: k.maybe(numbered("bias", index), bias),
    unitOffset: attrs.unit_offset,
  }));
  const stored = [...named("out", outs), ...(sum === undefined ? [] : [k.tensor("sum", sum)])];
  const places = Object.fromEntries(
    [source, ...branches, ...stored].map((place) => [place.tensor.name, place]),
  );
  eachRow(k, shape.slice(0, -1), places, (row) => {
    const element = (place: Place, i: Expression): Place => row[place.tensor.name]!.at(i);
    const at =
      (place: Place): Row =>
      (i) =>
        element(place, i);
    const kept = sum === undefined ? stored[0]! : stored.at(-1)!;
    const joined = joinOf(k, join, at(source), branches.map(at));
    const { norm, eps, cast } = attrs;
    if (norm === "none") {
      k.lanes("i", width, (i) => k.store(element(kept, i), joined(i)));
      return;
    }
    const stays: Row = (i) => rounded("f32", joined(i));
    const { take, finish } = beginStatistics(k, { kind: norm, eps, width }, stays);
    k.lanes("i", width, (i) => {
      const x = k.let("x", stays(i));
      k.store(element(kept, i), x);
      take(x);
    });
    const { normalized } = finish(at(kept));
    k.lanes("i", width, (i) => {
      const x = k.let("normalized", normalized(element(kept, i)));
      affines.forEach((each, index) => k.store(element(stored[index]!, i), affine(x, each, i, dtype, cast)));
    });
  });
  return k.finish(addNormName(branches.length, attrs), addNormDoc(attrs, numberText(attrs.eps)));
};

/** `out`, `out2`, `out3`: the first of several has no number. */
const numbered = (name: string, index: number): string => (index === 0 ? name : `${name}${index + 1}`);

/** An element for each of the row, or one number for all. */
const vector = (place: Place | undefined): Row | undefined =>
  place && ((i) => (constantDim(elementsOf(place.tensor.view!.type)) === 1 ? place : place.at(i)));

interface Join extends Pick<
  Attrs,
  "order" | "inner" | "inner_eps" | "source_scale" | "branch_scale" | "cast"
> {
  readonly width: Name;
  readonly dtype: View["type"]["dtype"];
  readonly shift: Place | undefined;
  readonly sourceGain: Row | undefined;
  readonly branchGain: Row | undefined;
  readonly affine: Affine;
}

/** The element of the sum. The out-norm of the branch has its statistics taken before. */
function joinOf(k: KernelBuilder, join: Join, source: Row, branches: readonly Row[]): Row {
  const terms: readonly Row[] = join.shift === undefined ? branches : [...branches, vector(join.shift)!];
  const scaled = (element: Expression, scale: number, gain: Expression | undefined): Expression => {
    const [first, ...rest] = [
      ...(scale === 1 ? [] : [scale]),
      ...(gain === undefined ? [] : [gain]),
      element,
    ];
    return times(first, ...rest);
  };
  const start: Row = (i) => scaled(source(i), join.source_scale, join.sourceGain?.(i));
  const added = (branch: Expression, i: Expression): Expression =>
    scaled(branch, join.branch_scale, join.branchGain?.(i));
  if (join.order === "in_turn") return (i) => plus(start(i), ...terms.map((term) => added(term(i), i)));
  const branch: Row = (i) => {
    const [first, ...rest] = terms.map((term) => term(i));
    invariant(first !== undefined, "an edge without branches");
    return plus(first, ...rest);
  };
  if (join.inner === "none") return (i) => plus(start(i), added(branch(i), i));
  const norm = { kind: join.inner, eps: join.inner_eps, width: join.width };
  const { normalized } = statistics(k, norm, branch, "inner_");
  return (i) =>
    plus(start(i), added(affine(normalized(branch(i)), join.affine, i, join.dtype, join.cast), i));
}
