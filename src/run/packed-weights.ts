import type { CheckpointTensor, StoredQuantized } from "../checkpoint/match.ts";
import { partsOf as elementParts } from "../checkpoint/parts.ts";
import { readFloat32, toFloat32, type StoredTensor } from "../checkpoint/stored.ts";
import { packedNames, type PackedParameter, type Packing } from "../passes/packing.ts";
import { quantizeMatrix } from "../quantize/blocks.ts";
import { dequantized, type QuantizedForm, type QuantizedTensor } from "../tensor/quantized.ts";
import { sizeOf } from "../tensor/host.ts";
import type { Elements } from "../weights/elements.ts";
import { packedParts, rowsBetween, type ReadElements } from "../weights/packed.ts";
import type { Weights } from "./weights.ts";

/** The forms of those tensors that a checkpoint has as codes. */
export const storedForms = ({ tensors }: Weights): ReadonlyMap<string, QuantizedForm> =>
  new Map(
    [...tensors].flatMap(([name, { quantized }]) =>
      quantized === undefined ? [] : [[name, quantized.form] as const],
    ),
  );

/** Weights with the codes and scales of packed parameters in their places: as they are stored, or made when they are read. */
export function packedWeights(weights: Weights, { parameters }: Packing): Weights {
  if (parameters.size === 0) return weights;
  const tensors = new Map(
    [...weights.tensors].flatMap(([name, tensor]): (readonly [string, CheckpointTensor])[] => {
      const packed = parameters.get(name);
      return packed === undefined ? [[name, tensor]] : partsOf(name, tensor, packed);
    }),
  );
  return { ...weights, tensors };
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
  const coded = stored && { form: stored.form, rows: stored.readRows ?? rowsAtOnce(stored, shape[0]!) };
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

/** Rows of codes that are read all at once, and kept until the last are asked for. */
function rowsAtOnce({ read }: StoredQuantized, rows: number) {
  let whole: QuantizedTensor | undefined;
  return (first: number, end: number): QuantizedTensor => {
    const found = rowsBetween((whole ??= read()), first, end);
    if (end === rows) whole = undefined;
    return found;
  };
}

function quantized(tensor: CheckpointTensor, { form, isTransposed }: PackedParameter): QuantizedTensor {
  const stored = tensor.quantized;
  if (stored !== undefined && !isTransposed && sameForm(stored.form, form)) return stored.read();
  const shape = tensor.shape as readonly [number, number];
  return quantizeMatrix({ shape, data: toFloat32(tensor.read()), isTransposed }, form.bits);
}

/** The elements that a tensor is run with, in its own order: those of its codes, if it is packed. Only to be read. */
export function elementsAsRun(tensor: CheckpointTensor, packed: PackedParameter | undefined): Float32Array {
  if (packed === undefined) return readFloat32(tensor.read());
  const elements = dequantized(quantized(tensor, packed));
  if (!packed.isTransposed) return elements;
  const [rows, columns] = tensor.shape as [number, number];
  return Float32Array.from(
    elements,
    (_, index) => elements[(index % columns) * rows + Math.floor(index / columns)]!,
  );
}

const sameForm = (a: QuantizedForm, b: QuantizedForm): boolean =>
  a.bits === b.bits && a.block === b.block && a.hasMinimums === b.hasMinimums;
