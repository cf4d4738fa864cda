import { onlyView } from "../../../kernels/results.ts";
import type { View } from "../../../kernels/view.ts";
import { LEAST_LARGEST } from "../../../ops/evaluate/quantized.ts";
import type { AttributesOf } from "../../../ops/table.ts";
import { floorDivideDim } from "../../../tensor/dim.ts";
import { ROW_UNIT, zeroOf } from "../../../tensor/quantized.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensors, Views } from "../given.ts";
import type { WgslKernel } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { eachElement, LIST_SIZE } from "../walk.ts";

type Form = Pick<AttributesOf<"dequantize">, "bits" | "block">;

export interface PackedViews extends Views {
  readonly codes: View;
  readonly scales: View;
  readonly minimums: View | undefined;
}

/** The code of the element `index`; of 5 bits, five words hold 32, the last of them their fifth bits (`fifthBit`). */
function codeText(bits: number, hasMinimums: boolean, at: (index: string) => string): string {
  if (bits === 8) return `extractBits(${at("index / 4u")}, 8u * (index % 4u), 8u)`;
  const nibble = (word: string): string => `i32(extractBits(bitcast<u32>(${word}), 4u * (index % 8u), 4u))`;
  if (bits === 4) return nibble(at("index / 8u"));
  const unit = "5u * (index / 32u)";
  const place = "8u * ((index / 2u) % 4u) + 2u * ((index / 8u) % 4u) + index % 2u";
  const high = `i32(extractBits(bitcast<u32>(${at(`${unit} + 4u`)}), ${place}, 1u))`;
  return `(${nibble(at(`${unit} + (index / 8u) % 4u`))} + 16 * ${high} - ${zeroOf(5, hasMinimums)})`;
}

/** An element of a packed matrix by its index, as text; a function, so that the index stands once. */
export function packedReader(
  builder: KernelBuilder,
  { codes, scales, minimums }: Tensors<PackedViews>,
  { bits, block }: Form,
): (index: string) => string {
  const code = codeText(bits, minimums !== undefined, codes.at);
  const product = `${scales.at("place")} * f32(${code})`;
  builder.declareFunction("packed_element", [
    "/// scale · code + minimum.",
    "fn packed_element(index: u32) -> f32 {",
    [
      `let place = index / ${block}u;`,
      `return ${product}${minimums === undefined ? "" : ` + ${minimums.at("place")}`};`,
    ],
    "}",
  ]);
  return (index) => `packed_element(${index})`;
}

const dequantize: WgslKernel<"dequantize"> = ({ operands, attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const views: PackedViews = { codes: operands.codes, scales: operands.scales, minimums: operands.minimums };
  const tensors = builder.tensors(views, { out });
  const each = eachElement(builder, out.type.shape);
  const element = packedReader(builder, tensors, attrs);
  const body = [...each.lines, tensors.out.put("i", element("i"))];
  const doc = ["scale · code + minimum of each element."];
  return [builder.finish({ name: "dequantize", doc, body, workgroup: [LIST_SIZE], groups: each.groups })];
};

/** An invocation a block of 32. */
const round_blocks: WgslKernel<"round_blocks"> = ({ operands: { x }, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ x }, { out });
  const each = eachElement(builder, [floorDivideDim(elementsOf(out.type), ROW_UNIT)]);
  const at = `i * ${ROW_UNIT}u + c`;
  const count = `${ROW_UNIT}u`;
  const body = [
    ...each.lines,
    "var largest = 0.0;",
    ...forLoop("c", count, [`largest = max(largest, abs(${tensors.x.at(at)}));`]),
    "let scale = largest / 127.0;",
    "var inverse = 0.0;",
    ...ifThen(`largest >= ${LEAST_LARGEST}`, ["inverse = 127.0 / largest;"]),
    ...forLoop("c", count, [tensors.out.put(at, `scale * floor(${tensors.x.at(at)} * inverse + 0.5)`)]),
  ];
  const doc = ["Blocks of 32 as whole numbers times a scale."];
  return [builder.finish({ name: "round_blocks", doc, body, workgroup: [LIST_SIZE], groups: each.groups })];
};

/** An invocation an element of the result. */
const packed_embedding: WgslKernel<"packed_embedding"> = ({ operands, attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const { codes, scales, minimums, ids } = operands;
  const views: PackedViews & { readonly ids: View } = { codes, scales, minimums, ids };
  const tensors = builder.tensors(views, { out });
  const each = eachElement(builder, out.type.shape);
  const width = builder.size("width", out.type.shape.at(-1)!);
  const element = packedReader(builder, tensors, attrs);
  const body = [
    ...each.lines,
    `let entry = u32(${tensors.ids.at(`i / ${width}`)});`,
    tensors.out.put("i", element(`entry * ${width} + i % ${width}`)),
  ];
  const doc = ["Rows of a packed table by id."];
  return [
    builder.finish({ name: "packed_embedding", doc, body, workgroup: [LIST_SIZE], groups: each.groups }),
  ];
};

export const packedKernels = { dequantize, round_blocks, packed_embedding };
