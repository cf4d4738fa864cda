import type { Beside, QuantizedForm, QuantizedTensor } from "../tensor/quantized.ts";
import type { ReadPart } from "./parts.ts";
import type { StoredTensor } from "./stored.ts";

/** A tensor of a checkpoint whose bytes are read when they are wanted. */
export interface CheckpointTensor {
  readonly dtype: StoredTensor["dtype"];
  /** What its bytes are, if they are u8 only as they lie: numbers of a model only together with scales. */
  readonly scaled?: StoredTensor["scaled"];
  readonly shape: readonly number[];
  readonly read: () => StoredTensor;
  /** Where its bytes lie as they are, if that is in files: several places are those of the parts of a stack, in order. */
  readonly places?: readonly FilePlace[];
  /**
   * Elements from one up to another as a tensor of one axis, whose bytes may be overwritten by the next that are read. Left
   * off where nothing less than all can be read.
   */
  readonly readPart?: ReadPart;
  /** What the file has for it, if that is codes and scales: `dtype` is then f32, and `read` gives the elements. */
  readonly quantized?: StoredQuantized;
}

/** A range of a file, in bytes. */
export interface FilePlace {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** A quantized tensor of a checkpoint: a matrix, or matrices one behind the other. */
export interface StoredQuantized {
  readonly form: QuantizedForm;
  /** Its codes are those of the columns of each matrix, [.., K, N]: rows [.., N, K]. */
  readonly isTransposed?: boolean;
  readonly read: () => QuantizedTensor;
  /**
   * Rows from one up to another, [end - first, K], counted through all matrices; they may be overwritten by the next that are read.
   * Left off where nothing less than all can be read.
   */
  readonly readRows?: (first: number, end: number) => QuantizedTensor;
  /** What stands beside the codes of such rows alone, where that costs little more than reading it. */
  readonly readBeside?: (first: number, end: number) => Beside;
}
