import type { CheckpointTensor } from "../checkpoint/match.ts";
import { readFloat32, toFloat32 } from "../checkpoint/stored.ts";
import { packedNames, type PackedParameter, type Packing } from "../passes/packing.ts";
import { quantizeMatrix } from "../quantize/blocks.ts";
import { dequantized, type QuantizedForm, type QuantizedTensor } from "../tensor/quantized.ts";
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

/** The parts of one tensor; it is quantized once for all of them, and let go when each was read. */
function partsOf(
  name: string,
  tensor: CheckpointTensor,
  packed: PackedParameter,
): (readonly [string, CheckpointTensor])[] {
  const { form, isTransposed } = packed;
  const names = packedNames(name);
  const [rows, columns] = (isTransposed ? tensor.shape.toReversed() : tensor.shape) as [number, number];
  const all = form.hasMinimums ? 3 : 2;
  let made: QuantizedTensor | undefined;
  const read = new Set<string>();
  const part = (
    role: keyof typeof names,
    dtype: "i32" | "f32",
    width: number,
    bytesOf: (tensor: QuantizedTensor) => Uint8Array | Float32Array,
  ): readonly [string, CheckpointTensor] => {
    const shape = [rows, width];
    const take = (): QuantizedTensor => {
      const tensors = (made ??= quantized(tensor, packed));
      read.add(role);
      if (read.size === all) {
        made = undefined;
        read.clear();
      }
      return tensors;
    };
    return [
      names[role],
      {
        dtype,
        shape,
        read: () => {
          const { buffer, byteOffset, byteLength } = bytesOf(take());
          return { dtype, shape, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
        },
      },
    ];
  };
  return [
    part("codes", "i32", (columns * form.bits) / 32, ({ codes }) => codes),
    part("scales", "f32", columns / form.block, ({ scales }) => scales),
    ...(form.hasMinimums ? [part("minimums", "f32", columns / form.block, ({ minimums }) => minimums!)] : []),
  ];
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
