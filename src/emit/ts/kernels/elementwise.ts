import { append } from "../../../support/lists.ts";
import type { Dtype } from "../../../tensor/dtype.ts";
import { CallBuilder } from "../call.ts";
import { programName } from "../../../kernels/names.ts";
import { scalarText } from "../scalar.ts";
import { walk, walkedTensor } from "../walk.ts";
import type { TsKernel } from "./kernel.ts";
import { isLone } from "../../../plan/loops.ts";
import { onlyView } from "../../../kernels/results.ts";

/** One element after the other: load, compute, store. */
const elementwise: TsKernel<"elementwise"> = (
  { operands: { inputs }, attrs: { program }, results },
  naming,
) => {
  const call = new CallBuilder(naming);
  const out = onlyView(results);
  const names = inputs.map((_, index) => (inputs.length === 1 ? "x" : `x${index + 1}`));
  const lone = new Set(inputs.flatMap((input, index) => (isLone(input) ? [index] : [])));
  const loads: string[] = [];
  const walked = [
    ...inputs.flatMap((input, index) => {
      const name = names[index]!;
      if (!lone.has(index)) return [walkedTensor(call, name, input)];
      loads.push(`const y${index + 1} = ${name}[${call.tensor(name, input)}];`);
      return [];
    }),
    walkedTensor(call, "out", out),
  ];
  const { loops } = walk(call, out.type.shape, walked);
  const before: string[] = [];
  const body = loops((at) => {
    const places = at.values();
    const texts = names.map((name, index) =>
      lone.has(index) ? `y${index + 1}` : `${name}[${places.next().value!}]`,
    );
    const text = scalarText(program, { texts, lone });
    call.helpers(text.helpers);
    append(before, text.before);
    return [...text.lines, `out[${at.at(-1)!}] = ${text.result};`];
  });
  return call.finish(`each_${programName(program)}`, ["Element by element."], [...loads, ...before, ...body]);
};

/** Elements from one view to another. */
const copy: TsKernel<"copy"> = ({ operands: { x }, results }, naming) => {
  const call = new CallBuilder(naming);
  const out = onlyView(results);
  const walked = [walkedTensor(call, "x", x), walkedTensor(call, "out", out)];
  const { loops } = walk(call, out.type.shape, walked);
  return call.finish(
    "copy",
    ["Elements from one place to another."],
    loops((at) => [`out[${at[1]!}] = x[${at[0]!}];`]),
  );
};

/** How a word of another dtype is made from `x`. */
function castText(dtype: Dtype, x: string): string {
  switch (dtype) {
    case "f16":
      return `round_half(${x}, 10, -14, 65504)`;
    case "bf16":
      return `round_half(${x}, 7, -126, 3.3895313892515355e38)`;
    case "bool":
      return `${x} === 0 ? 0 : 1`;
    case "f64":
    case "f32":
      return x;
    case "i64":
    case "i32":
    case "u32":
    case "i16":
    case "i8":
    case "u8":
      return `Math.trunc(${x})`;
  }
}

const cast: TsKernel<"cast"> = ({ operands: { x }, attrs: { dtype }, results }, naming) => {
  const call = new CallBuilder(naming);
  const out = onlyView(results);
  const walked = [walkedTensor(call, "x", x), walkedTensor(call, "out", out)];
  if (dtype === "f16" || dtype === "bf16") call.helper("round_half");
  const { loops } = walk(call, out.type.shape, walked);
  const body = loops((at) => [`out[${at[1]!}] = ${castText(dtype, `x[${at[0]!}]`)};`]);
  return call.finish(`cast_to_${dtype}`, [`Elements as ${dtype}.`], body);
};

export const elementwiseKernels = { cast, copy, elementwise };
