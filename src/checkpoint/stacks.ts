import { dtypeBytes } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/host.ts";
import type { QuantizedForm, QuantizedTensor } from "../tensor/quantized.ts";
import { stacksAmong } from "../tensor/stack-names.ts";
import { rowsBetween, stackedRows } from "../weights/packed.ts";
import { partRanges } from "../weights/ranges.ts";
import { partsOf, type ReadPart } from "./parts.ts";
import { readFloat32, type StoredTensor } from "./stored.ts";
import type { CheckpointTensor, StoredQuantized } from "./tensors.ts";

/**
 * The tensors of a checkpoint with one in the place of the parts of each stack that a model has: of experts that are published one
 * by one. Nothing is read. Parts that are not all there, or not all of one shape, stay.
 */
export function joinStacks(
  wanted: readonly { readonly name: string; readonly shape: readonly number[] }[],
  checkpoint: ReadonlyMap<string, CheckpointTensor>,
): ReadonlyMap<string, CheckpointTensor> {
  const joined = new Map(checkpoint);
  for (const { name, parts, missing } of stacksAmong(wanted, checkpoint)) {
    if (missing.length > 0) continue;
    const tensors = parts.map((part) => checkpoint.get(part)!);
    const [{ shape, scaled }] = tensors as [CheckpointTensor];
    if (tensors.some((each) => each.scaled !== scaled || each.shape.join() !== shape.join())) continue;
    for (const part of parts) joined.delete(part);
    joined.set(name, stacked(tensors));
  }
  return joined;
}

/** Tensors of one shape as one with an axis more. */
function stacked(tensors: readonly CheckpointTensor[]): CheckpointTensor {
  const [first] = tensors as [CheckpointTensor];
  const shape = [tensors.length, ...first.shape];
  const isAlike = tensors.every(({ dtype }) => dtype === first.dtype);
  const dtype = isAlike ? first.dtype : "f32";
  const size = sizeOf(first.shape);
  const readers = tensors.map((tensor): ReadPart => {
    const parts = partsOf(tensor);
    return isAlike ? parts : (from, end) => floatsOf(parts(from, end));
  });
  const readPart: ReadPart = (from, end) => {
    const ranges = partRanges(size, from, end);
    const [only] = ranges;
    if (ranges.length === 1) return readers[only!.part]!(only!.first, only!.end);
    const width = dtypeBytes[dtype];
    const bytes = new Uint8Array(width * (end - from));
    // One after the other: what is read next may take the place of what was read before.
    for (const range of ranges)
      bytes.set(
        readers[range.part]!(range.first, range.end).bytes,
        width * (range.part * size + range.first - from),
      );
    return { dtype, shape: [end - from], bytes };
  };
  const quantized = stackedCodes(tensors);
  const places = tensors.flatMap((tensor) => tensor.places ?? []);
  return {
    dtype,
    ...(first.scaled === undefined ? {} : { scaled: first.scaled }),
    shape,
    read: () => ({ ...readPart(0, sizeOf(shape)), shape }),
    readPart,
    ...(isAlike && places.length === tensors.length ? { places } : {}),
    ...(quantized === undefined ? {} : { quantized }),
  };
}

/** The same as float32. */
export const floatsOf = (tensor: StoredTensor): StoredTensor => {
  const { buffer, byteOffset, byteLength } = readFloat32(tensor);
  return { dtype: "f32", shape: tensor.shape, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
};

/** The codes of all parts, if each has some and all have one form. */
function stackedCodes(tensors: readonly CheckpointTensor[]): StoredQuantized | undefined {
  const codes = codesAlike(tensors);
  if (codes === undefined) return undefined;
  const { form, isTransposed, all } = codes;
  const shape = tensors[0]!.shape;
  const rows = isTransposed === true ? shape.at(-1)! : sizeOf(shape.slice(0, -1));
  const readers = all.map((each) => rowsOfCodes(each, rows));
  const readRows = (from: number, end: number): QuantizedTensor =>
    // Nothing here comes later.
    stackedRows((part) => readers[part]!, rows)(from, end) as QuantizedTensor;
  return {
    form,
    ...(isTransposed === undefined ? {} : { isTransposed }),
    read: () => readRows(0, rows * tensors.length),
    readRows,
  };
}

/** The codes of tensors with the form of all, if each has some and all have one form. */
export function codesAlike(tensors: readonly CheckpointTensor[]):
  | (Pick<StoredQuantized, "form" | "isTransposed"> & {
      readonly all: readonly StoredQuantized[];
    })
  | undefined {
  const all = tensors.flatMap(({ quantized }) => quantized ?? []);
  const [first] = all;
  if (first === undefined || all.length < tensors.length) return undefined;
  const { isTransposed } = first;
  if (!all.every((each) => sameForm(each.form, first.form) && each.isTransposed === isTransposed))
    return undefined;
  return {
    form: formOfAll(all.map(({ form }) => form)),
    ...(isTransposed === undefined ? {} : { isTransposed }),
    all,
  };
}

/** What codes of one form are together: as narrow as all are, with what all have as halves. */
function formOfAll(forms: readonly QuantizedForm[]): QuantizedForm {
  const { bits, block, hasMinimums } = forms[0]!;
  const areNarrow = forms.every(({ isNarrow }) => isNarrow === true);
  const [halves, ...others] = new Set(forms.map((form) => form.halves));
  const known =
    others.length === 0 ? halves : forms.some((form) => form.halves === undefined) ? undefined : "scales";
  return {
    bits,
    block,
    hasMinimums,
    ...(areNarrow ? { isNarrow: true } : {}),
    ...(known === undefined ? {} : { halves: known }),
  };
}

const sameForm = (a: QuantizedForm, b: QuantizedForm): boolean =>
  a.bits === b.bits && a.block === b.block && a.hasMinimums === b.hasMinimums;

/** Rows of codes from one up to another, of so many that there are. */
export const rowsOfCodes = (codes: StoredQuantized, rows: number) =>
  codes.readRows ?? rowsAtOnce(codes, rows);

/** Rows of codes that are read all at once, and kept until the last are asked for. */
export function rowsAtOnce({ read }: StoredQuantized, rows: number) {
  let whole: QuantizedTensor | undefined;
  return (first: number, end: number): QuantizedTensor => {
    const found = rowsBetween(flat((whole ??= read())), first, end);
    if (end === rows) whole = undefined;
    return found;
  };
}

/** A stack of matrices as one. */
const flat = (tensor: QuantizedTensor): QuantizedTensor => ({
  ...tensor,
  shape: [sizeOf(tensor.shape.slice(0, -1)), tensor.shape.at(-1)!],
});
