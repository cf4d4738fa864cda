import { asCopy } from "../../../plan/write.ts";
import { expressionName } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import { isLone } from "../../../plan/loops.ts";
import { isFloat, type Dtype } from "../../../tensor/dtype.ts";
import { KernelBuilder } from "../builder.ts";
import { apply, halved, unequal } from "../formula.ts";
import { scalarOf } from "../scalar.ts";
import type { Expression, Name } from "../tree.ts";
import type { Place } from "../place.ts";
import { eachElement } from "../walk.ts";
import type { Loops } from "./kernel.ts";

const elementwise: Loops<"elementwise"> = ({ operands: { inputs }, attrs: { program }, results }) => {
  const k = new KernelBuilder();
  const [still, walked] = [new Map<number, Name>(), new Map<number, Place>()];
  inputs.forEach((view, index) => {
    const x = k.tensor(inputs.length === 1 ? "x" : `x${index + 1}`, view);
    if (isLone(view)) still.set(index, k.let(`y${index + 1}`, x));
    else walked.set(index, x);
  });
  const result = onlyView(results);
  const places = { ...Object.fromEntries(walked), out: k.tensor("out", result) };
  const valueOf = scalarOf(k, program, still);
  eachElement(k, result.type.shape, places, ({ out, ...xs }: { [index: string]: Place; out: Place }) =>
    k.store(out, valueOf(inputs.map((_, index) => still.get(index) ?? xs[index]!))),
  );
  return k.finish(`each_${expressionName(program)}`, "Element by element.");
};

const copy: Loops<"copy"> = ({ operands: { x }, results }) => {
  const k = new KernelBuilder();
  const places = { x: k.tensor("x", x), out: k.tensor("out", onlyView(results)) };
  eachElement(k, x.type.shape, places, ({ x, out }) => k.store(out, x));
  return k.finish("copy", "Elements from one place to another.");
};

/** What a tensor of another dtype has of `x`. */
const castTo = (dtype: Dtype, x: Expression): Expression =>
  isFloat(dtype) ? halved(dtype, x) : dtype === "bool" ? unequal(x, 0) : apply("truncate", x);

const cast: Loops<"cast"> = ({ operands: { x }, attrs: { dtype }, results }) => {
  const k = new KernelBuilder();
  const places = { x: k.tensor("x", x), out: k.tensor("out", onlyView(results)) };
  eachElement(k, x.type.shape, places, ({ x, out }) => k.store(out, castTo(dtype, x)));
  return k.finish(`cast_to_${dtype}`, `Elements as ${dtype}.`);
};

/** The part goes to its place: the rest of the state is there. */
const write: Loops<"write"> = (step) => copy(asCopy(step));

export const elementwiseLoops = { cast, copy, elementwise, write };
