import { Problem, quote } from "../../checkpoint/problem.ts";
import type { OnnxInput, OnnxModel } from "./model.ts";

/** A model that is given a cache and gives one, as it reads a text from its beginning. */
export interface Uncached {
  readonly model: OnnxModel;
  /** The parts of the cache: inputs that are empty. */
  readonly past: readonly OnnxInput[];
}

/** Exporters call what is kept of a text so, and give it back as `present`. */
const isPast = ({ name }: OnnxInput): boolean => /^past[._]/.test(name) || /^past_key_values/.test(name);

/**
 * A model with its cache as inputs and outputs as the same model without: nothing was read before. The sizes of a cache that no
 * other input has by itself are 0 then, and what a mask covers is the text.
 */
export function uncached(model: OnnxModel, file: string): Uncached | Problem {
  const past = model.inputs.filter(isPast);
  const others = model.inputs.filter((input) => !isPast(input));
  const kept = model.outputs.filter((name) => !/^present/.test(name));
  if (past.length === 0 || others.length === 0 || kept.length === 0) return { model, past: [] };
  const own = new Set(others.flatMap(({ sizes }) => sizes));
  const before = new Set(
    past.flatMap(({ sizes }) => sizes).filter((size) => typeof size === "string" && !own.has(size)),
  );
  const unnamed =
    past.find(({ sizes }) => sizes.includes(undefined)) ?? (before.size === 0 ? past[0] : undefined);
  if (unnamed !== undefined)
    return new Problem(
      "E776",
      `${file}: no size of the cache ${quote(unnamed.name)} says by a name of its own how much was read before`,
      "export the model without its cache (`use_cache=False`), or give such sizes a name (`dynamic_axes`)",
    );
  const length = others.find(({ sizes }) => sizes.length === 2)?.sizes[1];
  const empty = past.map((input) => ({
    ...input,
    sizes: input.sizes.map((size) => (before.has(size) ? 0 : size)),
  }));
  const given = others.map((input) => ({
    ...input,
    sizes: input.sizes.map((size) => (isTotal(size, before) ? length : size)),
  }));
  return { model: { ...model, inputs: given, outputs: kept }, past: empty };
}

/** A size of what was read and what is read now: `past + new`, or a name that says so. */
const isTotal = (size: number | string | undefined, before: ReadonlySet<unknown>): boolean =>
  typeof size === "string" &&
  (/^total/.test(size) || [...before].some((name) => size.split(/\s*\+\s*/).includes(String(name))));
