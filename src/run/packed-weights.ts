import type { CheckpointTensor } from "../checkpoint/match.ts";
import { roundToHalves } from "../checkpoint/half.ts";
import { partsOf as elementParts } from "../checkpoint/parts.ts";
import { orThrow } from "../checkpoint/problem.ts";
import { rowsAtOnce } from "../checkpoint/stacks.ts";
import { readFloat32, type StoredTensor } from "../checkpoint/stored.ts";
import { packedNames, type PackedParameter, type Packing } from "../passes/packing.ts";
import { quantizeMatrix } from "../quantize/blocks.ts";
import { isHalf, type Half } from "../tensor/dtype.ts";
import { dequantized, joinedRows, type QuantizedForm, type QuantizedTensor } from "../tensor/quantized.ts";
import { sizeOf } from "../tensor/host.ts";
import type { Elements } from "../weights/elements.ts";
import { madeBits, packedParts } from "../weights/packed.ts";
import type { ReadElements } from "../weights/soon.ts";
import type { Weights } from "./weights.ts";

/** How those tensors are kept that a checkpoint has as codes. */
export const storedForms = ({ tensors }: Weights): ReadonlyMap<string, PackedParameter> =>
  new Map(
    [...tensors].flatMap(([name, { quantized }]) =>
      quantized === undefined
        ? []
        : [[name, { form: quantized.form, isTransposed: quantized.isTransposed ?? false }] as const],
    ),
  );

/** Those that it has as floats of 16 bits. */
export const storedHalves = ({ tensors }: Weights): ReadonlyMap<string, Half> =>
  new Map(
    [...tensors].flatMap(([name, { dtype, quantized }]) =>
      quantized === undefined && isHalf(dtype) ? [[name, dtype] as const] : [],
    ),
  );

/**
 * Weights with the codes and scales of packed parameters in their places, and halves of those that are kept so: as they are
 * stored, or made when they are read.
 */
export function packedWeights(weights: Weights, { parameters, halves }: Packing): Weights {
  if (parameters.size + halves.size === 0) return weights;
  const tensors = new Map(
    [...weights.tensors].flatMap(([name, tensor]): (readonly [string, CheckpointTensor])[] => {
      const [packed, half] = [parameters.get(name), halves.get(name)];
      if (packed !== undefined) return partsOf(name, tensor, packed);
      return [[name, half === undefined ? tensor : asHalves(name, tensor, half)]];
    }),
  );
  return { ...weights, tensors };
}

/** A tensor with its elements rounded to halves; reading one that f16 does not reach throws a `ProblemError`. */
export function asHalves(name: string, tensor: CheckpointTensor, dtype: Half): CheckpointTensor {
  const { shape } = tensor;
  if (tensor.dtype === dtype && tensor.quantized === undefined) return tensor;
  const parts = elementParts(tensor);
  const readPart = (first: number, end: number): StoredTensor => {
    const rounded = orThrow(roundToHalves(dtype, readFloat32(parts(first, end)), name));
    return { dtype, shape: [end - first], bytes: new Uint8Array(rounded.buffer) };
  };
  return { dtype, shape, read: () => ({ ...readPart(0, sizeOf(shape)), shape }), readPart };
}

/** The parts of one tensor. */
function partsOf(
  name: string,
  tensor: CheckpointTensor,
  { form, isTransposed }: PackedParameter,
): (readonly [string, CheckpointTensor])[] {
  const names = packedNames(name);
  const parts = elementParts(tensor);
  const read: ReadElements = (_, first, end) => readFloat32(parts(first, end));
  const { shape, quantized: stored } = tensor;
  const rows = sizeOf(isTransposed ? [...shape.slice(0, -2), shape.at(-1)!] : shape.slice(0, -1));
  const coded = stored && {
    ...stored,
    rows: stored.readRows ?? rowsAtOnce(stored, rows),
    beside: stored.readBeside,
  };
  return packedParts({ name, shape, form, isTransposed }, read, coded).map((part) => {
    const dtype = part.role === "codes" ? "i32" : "f32";
    const readPart = (first: number, end: number): StoredTensor => {
      // Nothing here comes later.
      const { buffer, byteOffset, byteLength } = part.read(first, end) as Elements;
      return { dtype, shape: [end - first], bytes: new Uint8Array(buffer, byteOffset, byteLength) };
    };
    const read = (): StoredTensor => ({ ...readPart(0, sizeOf(part.shape)), shape: part.shape });
    return [names[part.role], { dtype, shape: part.shape, read, readPart }];
  });
}

function quantized(tensor: CheckpointTensor, { form, isTransposed }: PackedParameter): QuantizedTensor {
  const stored = tensor.quantized;
  if (stored !== undefined && (stored.isTransposed ?? false) === isTransposed && sameForm(stored.form, form))
    return stored.read();
  const [rows, columns] = tensor.shape.slice(-2) as [number, number];
  const data = readFloat32(tensor.read());
  const size = rows * columns;
  const matrices = Array.from({ length: data.length / size }, (_, index) =>
    quantizeMatrix(
      { shape: [rows, columns], data: data.subarray(index * size, (index + 1) * size), isTransposed },
      madeBits(form),
    ),
  );
  return joinedRows(matrices);
}

/** The elements that a tensor is run with, in its own order: those of its codes, if it is packed. Only to be read. */
export function elementsAsRun(tensor: CheckpointTensor, packed: PackedParameter | undefined): Float32Array {
  if (packed === undefined) return readFloat32(tensor.read());
  const elements = dequantized(quantized(tensor, packed));
  if (!packed.isTransposed) return elements;
  const [rows, columns] = tensor.shape.slice(-2) as [number, number];
  return Float32Array.from(elements, (_, index) => {
    const within = index % (rows * columns);
    return elements[index - within + (within % columns) * rows + Math.floor(within / columns)]!;
  });
}

const sameForm = (a: QuantizedForm, b: QuantizedForm): boolean =>
  a.bits === b.bits && a.block === b.block && a.hasMinimums === b.hasMinimums;
