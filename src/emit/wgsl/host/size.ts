import { renderDim, type Dim } from "../../../tensor/dim.ts";
import { identifier } from "../../ts/text.ts";

/** A size as JavaScript over the object `d` of run-time dims. */
export const sizeText = (size: Dim): string =>
  renderDim(size, {
    symbol: (name) => `d.${identifier(name)}`,
    floorDiv: (of, by) => `Math.floor((${of}) / ${by})`,
  }).replaceAll("*", " * ");

/** A function of the run-time dims `d` that gives the expression. */
export const byDims = (text: string): string => `${text.includes("d.") ? "(d)" : "()"} => ${text}`;
