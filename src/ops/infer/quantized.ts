import { constantDim, sameDim } from "../../tensor/dim.ts";
import { sameShape, showType, tensorType, type TensorType } from "../../tensor/type.ts";
import { ROW_UNIT } from "../../tensor/quantized.ts";
import { STACK_ROWS } from "../../tensor/whole-codes.ts";
import { Mismatch, type Operands } from "../define.ts";
import type { ScalarExpression } from "../scalar.ts";
import { firstOf, floatElements, rankAtLeast, rankIs } from "./check.ts";
import { inferEmbedding, inferLinear, inferLinearEpilogue } from "./linear.ts";
import { inferRoutedLinear } from "./routed.ts";

type Types = readonly TensorType[] | Mismatch;

/** The operands that are a packed matrix. */
export const packedOperands = { codes: "one", scales: "one", minimums: "optional" } as const;

type Packed = Operands<typeof packedOperands, TensorType>;

interface Form {
  readonly bits: number;
  readonly block: number;
}

/** The type of the matrix [N, K] that codes i32[N, K · bits / 32] with a scale a block stand for. */
export function inferPacked(
  { codes, scales, minimums }: Packed,
  { bits, block }: Form,
): TensorType | Mismatch {
  if (bits !== 4 && bits !== 5 && bits !== 8)
    return new Mismatch("bits", `expected 4, 5 or 8 bits a code, got ${bits}`);
  if (block !== 16 && block !== 32) return new Mismatch("block", `expected blocks of 16 or 32, got ${block}`);
  const wrong = firstOf(
    rankIs("codes", codes, 2, "words of codes"),
    codes.dtype === "i32" ? undefined : new Mismatch("codes", `expected i32 words, got ${showType(codes)}`),
    floatElements("scales", scales),
  );
  if (wrong !== undefined) return wrong;
  const [rows, words] = codes.shape.map(constantDim);
  const columns = words === undefined ? undefined : (words * 32) / bits;
  if (rows === undefined || columns === undefined || columns % ROW_UNIT !== 0)
    return new Mismatch(
      "codes",
      `expected rows of a known multiple of ${ROW_UNIT} codes, got ${showType(codes)}`,
    );
  const beside = tensorType(scales.dtype, rows, columns / block);
  for (const [name, type] of [
    ["scales", scales],
    ["minimums", minimums],
  ] as const)
    if (type !== undefined && !(sameShape(type.shape, beside.shape) && type.dtype === scales.dtype))
      return new Mismatch(
        name,
        `expected ${showType(beside)}, one a block of ${block}, got ${showType(type)}`,
      );
  return tensorType(scales.dtype, rows, columns);
}

export function inferDequantize(packed: Packed, form: Form): Types {
  const matrix = inferPacked(packed, form);
  return matrix instanceof Mismatch ? matrix : [matrix];
}

export function inferPackedEmbedding(
  packed: Packed,
  ids: TensorType,
  form: Form & { readonly entries: number },
): Types {
  const matrix = inferPacked(packed, form);
  if (matrix instanceof Mismatch) return matrix;
  const rows = constantDim(matrix.shape[0]!);
  if (rows !== form.entries)
    return new Mismatch("entries", `expected ${rows}, the rows of the table, got ${form.entries}`);
  return inferEmbedding(matrix, ids);
}

export function inferPackedLinear(
  x: TensorType,
  packed: Packed,
  extras: readonly TensorType[],
  form: Form,
  epilogue: ScalarExpression,
): Types {
  const matrix = inferPacked(packed, form);
  if (matrix instanceof Mismatch) return matrix;
  if (!sameDim(x.shape.at(-1), matrix.shape[1]))
    return new Mismatch(
      "codes",
      `expected rows as wide as x, ${showType(x)}, got those of ${showType(matrix)}`,
    );
  return epilogue.steps.length === 0
    ? inferLinear(x, matrix, undefined, "out_in")
    : inferLinearEpilogue(x, matrix, extras, "out_in", epilogue);
}

export function inferPackedRoutedLinear(
  x: TensorType,
  packed: Packed,
  chosen: TensorType,
  { experts, ...form }: Form & { readonly experts: number },
): Types {
  const matrix = inferPacked(packed, form);
  if (matrix instanceof Mismatch) return matrix;
  const [rows, columns] = matrix.shape.map((size) => constantDim(size)!) as [number, number];
  if (experts < 1 || (rows / experts) % STACK_ROWS !== 0)
    return new Mismatch(
      "experts",
      `expected ${rows} rows to be those of matrices of a multiple of ${STACK_ROWS} rows, got ${experts}`,
    );
  const found = inferRoutedLinear(
    x,
    tensorType(matrix.dtype, experts, rows / experts, columns),
    chosen,
    "out_in",
  );
  return found instanceof Mismatch && found.blamed === "weight"
    ? new Mismatch("codes", found.message)
    : found;
}

export function inferRoundBlocks(x: TensorType): Types {
  const wrong = firstOf(floatElements("x", x), rankAtLeast("x", x, 1));
  if (wrong !== undefined) return wrong;
  const width = constantDim(x.shape.at(-1)!);
  if (width === undefined || width % ROW_UNIT !== 0)
    return new Mismatch("x", `expected rows of a known multiple of ${ROW_UNIT} elements, got ${showType(x)}`);
  return [x];
}
