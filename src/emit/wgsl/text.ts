import type { Code } from "../../support/text.ts";
import { renderDim, type Dim } from "../../tensor/dim.ts";
import { block } from "../module/text.ts";
import { dimField } from "./dims.ts";

/** `for (var i = start; i < end; i += step) { … }` over whole numbers. */
export const forLoop = (
  index: string,
  end: string,
  body: readonly Code[],
  { start = "0u", step = "1u" }: { readonly start?: string; readonly step?: string } = {},
): Code[] =>
  block(
    `for (var ${index} = ${start}; ${index} < ${end}; ${step === "1u" ? `${index}++` : `${index} += ${step}`}) {`,
    body,
  );

export const ifThen = (condition: string, body: readonly Code[]): Code[] =>
  block(`if (${condition}) {`, body);

/** A size as an expression over the uniform block `dims`. */
export const dimText = (size: Dim): string =>
  renderDim(size, {
    symbol: (name) => `dims.${dimField(name)}`,
    floorDiv: (of, by) => `((${of}) / ${by}u)`,
    number: (size) => `${size}u`,
    times: " * ",
    // Unsigned numbers have no sign, but they wrap around, so that no order of the terms is wrong.
    minus: "0u - ",
  });

/** A float as WGSL writes it; the infinities and NaN have no literal, so they are made from bits at run time. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "from_bits(0x7fc00000u)";
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) return rounded > 0 ? "from_bits(0x7f800000u)" : "from_bits(0xff800000u)";
  const text = String(value);
  const number = /[.e]/.test(text) ? text : `${text}.0`;
  return Object.is(value, -0) ? "(-0.0)" : value < 0 ? `(${number})` : number;
}

/** Whether `floatText` calls the helper `from_bits`. */
export const needsBits = (value: number): boolean => !Number.isFinite(Math.fround(value));

/** Lines of a fragment within others. */
export const indented = (lines: readonly string[], depth: number): string[] =>
  lines.map((line) => (line === "" ? "" : "  ".repeat(depth) + line));
