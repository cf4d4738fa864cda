import { Problem, quote } from "../checkpoint/problem.ts";
import { nearest } from "../support/text.ts";

/** The sizes of all symbols: those given, else 1, but 128 (or the bound, if smaller) for a T. */
export function completeDims(
  symbols: readonly { readonly name: string; readonly max?: number }[],
  given: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> | Problem {
  const names = symbols.map((symbol) => symbol.name);
  const unknown = [...given.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, names);
    const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
    return new Problem(
      "E802",
      `the model has no run-time dim ${quote(unknown)}; ${known}`,
      near === undefined ? undefined : `did you mean ${near}?`,
    );
  }
  const sizes = new Map<string, number>();
  for (const { name, max = Infinity } of symbols) {
    const size = given.get(name) ?? (name === "T" ? Math.min(128, max) : 1);
    if (size > max)
      return new Problem("E802", `${name} is at most ${max} in this model, found ${name}=${size}`);
    sizes.set(name, size);
  }
  return sizes;
}

/** Small sizes that no tile of a kernel divides, where none are given: the interpreter takes its time. */
export function smallDims(
  symbols: readonly { readonly name: string; readonly max?: number }[],
  given: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> | Problem {
  const small = symbols.map(
    ({ name, max = Infinity }) => [name, Math.min(name === "B" ? 2 : 7, max)] as const,
  );
  return completeDims(symbols, new Map([...small, ...given]));
}

/** `B=1, T=128` */
export const showDims = (sizes: ReadonlyMap<string, number>): string =>
  [...sizes].map(([name, size]) => `${name}=${size}`).join(", ");
