import type { Dim } from "../../../tensor/dim.ts";
import { layoutCode, type Code } from "../../../support/text.ts";
import { sizeText as moduleSizeText } from "../../module/text.ts";
import { dimField } from "../dims.ts";

/** A size as JavaScript over the object `d` of run-time dims. */
export const sizeText = (size: Dim): string => moduleSizeText(size, (name) => `d.${dimField(name)}`);

const readsDims = (text: string): boolean => /\bd\./.test(text);

/** The name of a parameter for the run-time dims, by whether the lines read it. */
export const dimsName = (lines: readonly Code[]): string => (readsDims(layoutCode(lines)) ? "d" : "_d");

/** A function of the run-time dims `d` that gives the expression. */
export const byDims = (text: string): string => `${readsDims(text) ? "(d)" : "()"} => ${text}`;
