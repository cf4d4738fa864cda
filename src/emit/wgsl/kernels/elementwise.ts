import type { View } from "../../../kernels/view.ts";
import { isInteger, type Dtype } from "../../../tensor/dtype.ts";
import { expressionName } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { loaded, scalarText, stored, toFloat, typed, type Typed } from "../scalar.ts";
import { eachElement, LIST_SIZE, places } from "../walk.ts";

/** An element of an input, at its place. */
interface Element {
  readonly tensor: Tensor;
  readonly at: string;
}

interface Elementwise {
  readonly name: string;
  readonly doc: string;
  readonly inputs: readonly View[];
  readonly out: View;
  /** The lines and the value for one element of each input; `type` says what it is if it is an f16 already. */
  readonly compute: (
    inputs: readonly Element[],
    builder: KernelBuilder,
  ) => { readonly lines: readonly string[]; readonly value: string; readonly type?: "f16" };
}

/** An invocation an element of the result: load, compute, store. */
function perElement(context: Context, { name, doc, inputs, out, compute }: Elementwise): Dispatch {
  const builder = new KernelBuilder(context);
  const names = inputs.map((_, index) => (inputs.length === 1 ? "x" : `x${index}`));
  const tensors = builder.tensors(Object.fromEntries(inputs.map((view, index) => [names[index]!, view])), {
    out,
  });
  const each = eachElement(builder, out.type.shape);
  const { lines, at } = places(builder, "i", out.type.shape, [
    ...inputs.map(({ strides }, index) => ({ name: names[index]!, strides })),
    { name: "out", strides: out.strides },
  ]);
  const {
    lines: first,
    value,
    type,
  } = compute(
    names.map((input, index) => ({ tensor: tensors[input]!, at: at[index]! })),
    builder,
  );
  const body = [...each.lines, ...lines, ...first, tensors.out.put(at.at(-1)!, value, type)];
  return builder.finish({ name, doc: [doc], body, workgroup: [LIST_SIZE], groups: each.groups });
}

const elementwise: WgslKernel<"elementwise"> = (
  { operands: { inputs }, attrs: { program }, results },
  context,
) => {
  const out = onlyView(results);
  const compute: Elementwise["compute"] = (elements, builder) => {
    const { lines, result, helpers } = scalarText(
      program,
      elements.map(({ tensor, at }): Typed =>
        tensor.isHalf && context.target.f16 === "arithmetic"
          ? typed(tensor.raw(at), "half")
          : loaded(tensor.view.type.dtype, tensor.at(at)),
      ),
    );
    builder.helper(...helpers);
    if (result.kind === "half" && context.isHalf(out.buffer))
      return { lines, value: result.text, type: "f16" };
    return { lines, value: stored(out.type.dtype, result) };
  };
  const name = `each_${expressionName(program)}`;
  return [perElement(context, { name, doc: "Element by element.", inputs, out, compute })];
};

const copy: WgslKernel<"copy"> = ({ operands: { x }, results }, context) => {
  const compute: Elementwise["compute"] = ([element]) => ({
    lines: [],
    value: element!.tensor.at(element!.at),
  });
  const doc = "Elements from one place to another.";
  return [perElement(context, { name: "copy_elements", doc, inputs: [x], out: onlyView(results), compute })];
};

/** What a word of another dtype is, made from x. */
function castTo(dtype: Dtype, x: Typed, builder: KernelBuilder): string {
  if (isInteger(dtype) && x.kind === "float") {
    builder.helper("whole");
    return `whole(${x.text})`;
  }
  if (dtype !== "f16" && dtype !== "bf16") return stored(dtype, x);
  builder.helper(`round_${dtype}`);
  return `round_${dtype}(${toFloat(x).text})`;
}

const cast: WgslKernel<"cast"> = ({ operands: { x }, attrs: { dtype }, results }, context) => {
  const compute: Elementwise["compute"] = ([element], builder) => ({
    lines: [],
    value: castTo(dtype, loaded(x.type.dtype, element!.tensor.at(element!.at)), builder),
  });
  const doc = `Elements as ${dtype}.`;
  return [
    perElement(context, { name: `cast_to_${dtype}`, doc, inputs: [x], out: onlyView(results), compute }),
  ];
};

export const elementwiseKernels = { cast, copy, elementwise };
