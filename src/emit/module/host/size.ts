import { constantDim, type Dim } from "../../../tensor/dim.ts";
import { sizeText as moduleSizeText } from "../text.ts";

/** A size as JavaScript over the object `d` of run-time dims. */
export const sizeText = (size: Dim): string => moduleSizeText(size, (name) => `d.${name}`);

const readsDims = (sizes: readonly Dim[]): boolean => sizes.some((size) => constantDim(size) === undefined);

/** The name of a parameter for the run-time dims, by whether one of the sizes that are read has some. */
export const dimsName = (sizes: readonly Dim[]): string => (readsDims(sizes) ? "d" : "_d");

/** A function of the run-time dims `d` that gives the expression, which reads these sizes. */
export const byDims = (text: string, sizes: readonly Dim[]): string =>
  `${readsDims(sizes) ? "(d)" : "()"} => ${text}`;
