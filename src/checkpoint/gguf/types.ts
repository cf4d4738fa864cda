import type { Dtype } from "../../tensor/dtype.ts";
import { blockLayouts } from "./blocks.ts";
import type { BlockLayout } from "./layout.ts";

/** How the elements of a GGUF tensor lie: in blocks, each of so many elements and bytes. */
export interface GgufType {
  readonly name: string;
  readonly elements: number;
  readonly bytes: number;
  /** What safetensors has too. */
  readonly dtype?: Dtype;
  /** What its blocks are made of. Neither this nor `dtype`: the type is not read. */
  readonly layout?: BlockLayout;
}

const plain = (name: string, bytes: number, dtype: Dtype): GgufType => ({ name, elements: 1, bytes, dtype });
const block = (name: keyof typeof blockLayouts): GgufType => {
  const layout: BlockLayout = blockLayouts[name];
  return { name, elements: layout.elements, bytes: layout.bytes, layout };
};
const unread = (name: string, elements: number, bytes: number): GgufType => ({ name, elements, bytes });

/** The types of tensors by their number (ggml.h, `ggml_type`); numbers that are left out were given up. */
export const ggufTypes: ReadonlyMap<number, GgufType> = new Map([
  [0, plain("F32", 4, "f32")],
  [1, plain("F16", 2, "f16")],
  [2, block("Q4_0")],
  [3, block("Q4_1")],
  [6, block("Q5_0")],
  [7, block("Q5_1")],
  [8, block("Q8_0")],
  [9, unread("Q8_1", 32, 40)],
  [10, block("Q2_K")],
  [11, block("Q3_K")],
  [12, block("Q4_K")],
  [13, block("Q5_K")],
  [14, block("Q6_K")],
  [15, unread("Q8_K", 256, 292)],
  [16, unread("IQ2_XXS", 256, 66)],
  [17, unread("IQ2_XS", 256, 74)],
  [18, unread("IQ3_XXS", 256, 98)],
  [19, unread("IQ1_S", 256, 50)],
  [20, block("IQ4_NL")],
  [21, unread("IQ3_S", 256, 110)],
  [22, unread("IQ2_S", 256, 82)],
  [23, block("IQ4_XS")],
  [24, plain("I8", 1, "i8")],
  [25, plain("I16", 2, "i16")],
  [26, plain("I32", 4, "i32")],
  [27, plain("I64", 8, "i64")],
  [28, plain("F64", 8, "f64")],
  [29, unread("IQ1_M", 256, 56)],
  [30, plain("BF16", 2, "bf16")],
  [34, unread("TQ1_0", 256, 54)],
  [35, unread("TQ2_0", 256, 66)],
  [39, block("MXFP4")],
  [40, unread("NVFP4", 64, 36)],
  [41, unread("Q1_0", 128, 18)],
]);

/** The names of the types that are read. */
export const readTypes: readonly string[] = [...ggufTypes.values()]
  .filter(({ dtype, layout }) => dtype !== undefined || layout !== undefined)
  .map(({ name }) => name);
