import { interpret } from "../../src/ir/interpret.ts";
import { publishedTensors } from "../../src/ir/stacks.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { bindingsOf, graphOf } from "../lower/support.ts";

/** A block of the library run on `x: f32[B, T, D]`, with everything that a plain formula needs. */
export function runBlock(chain: string, symbols: Readonly<Record<string, number>>, width: number, more = "") {
  const graph = graphOf(`model m { input x: f32[B, T, ${width}]; ${more}; ${chain}; output y }`);
  const { inputs, parameters } = bindingsOf(graph, symbols);
  return { graph, inputs, parameters: published(parameters), y: interpret(graph, { inputs, parameters }).y! };
}

/** Tensors as checkpoints have them: the parts of stacks each by its own name. */
const published = (tensors: Readonly<Record<string, HostTensor>>): Readonly<Record<string, HostTensor>> =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, { shape, data }]) =>
      publishedTensors(name, { shape, data: Float64Array.from(data) }).map(([own, part]) => [
        own,
        hostTensor("f32", part.shape, part.data),
      ]),
    ),
  );

export type Vector = readonly number[];

/** Row r of the last axis. */
export const rowOf = ({ data, shape }: HostTensor, row: number): Vector => {
  const width = shape.at(-1)!;
  return [...data.slice(row * width, (row + 1) * width)];
};

export const rowsOf = (tensor: HostTensor): Vector[] =>
  Array.from({ length: tensor.data.length / tensor.shape.at(-1)! }, (_, row) => rowOf(tensor, row));

export const dot = (a: Vector, b: Vector): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** W x + b with W [N, K]. */
export const linear = (x: Vector, weight: HostTensor, bias?: HostTensor): Vector =>
  rowsOf(weight).map((row, n) => dot(row, x) + (bias?.data[n] ?? 0));

export const silu = (x: number): number => x / (1 + Math.exp(-x));

export function softmax(scores: Vector): Vector {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}
