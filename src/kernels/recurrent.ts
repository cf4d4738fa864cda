import { addDims, dim, floorDivideDim, multiplyDims, productOfDims, type Dim } from "../tensor/dim.ts";
import type { View } from "./view.ts";

/**
 * Positions between two states that the gradient of a linear attention keeps, when it walks back over them: those in between
 * are made again, a chunk at a time. Memory is least where there are as many chunks, at 1,024 positions.
 */
export const CHUNK = 32;

/** How many chunks a linear attention over rows has. */
export const chunksOf = (rows: Dim): Dim => floorDivideDim(addDims(rows, dim(CHUNK - 1)), CHUNK);

/** Floats that the gradient keeps for a head: the state before each chunk, those of one chunk, and what is new at each position. */
export function keptElements(
  { type: { shape: k } }: Pick<View, "type">,
  { type: { shape: v } }: Pick<View, "type">,
): Dim {
  const [rows, keys, width] = [k[2]!, k[3]!, v[3]!];
  const states = addDims(chunksOf(rows), dim(CHUNK + 1));
  return addDims(productOfDims([states, keys, width]), multiplyDims(dim(CHUNK), width));
}
