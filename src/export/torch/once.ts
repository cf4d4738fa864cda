import type { Site } from "./site.ts";
import { literal } from "./python.ts";

/** Texts of an emitted file that stand in it once, however often they are asked for: lists of numbers, and what the model makes as it begins. */
export class OnceTexts<S = Site> {
  readonly #names: Set<string>;
  readonly #topSite: () => S;
  readonly #constants = new Map<string, { readonly name: string; readonly values: readonly number[] }>();
  readonly #hoisted = new Map<string, string>();

  /** Names that are given are added to those of the file. */
  constructor(names: Set<string>, topSite: () => S) {
    this.#names = names;
    this.#topSite = topSite;
  }

  /** The name of a list of numbers. */
  constant(name: string, values: readonly number[]): string {
    const key = values.join();
    const known = this.#constants.get(key);
    if (known !== undefined) return known.name;
    const alike = [...this.#constants.values()].filter((each) => each.name.startsWith(name)).length;
    const made = alike === 0 ? name : `${name}_${alike}`;
    this.#constants.set(key, { name: made, values });
    return made;
  }

  /** The name of what is made at the beginning of the model. */
  hoisted(name: string, write: (top: S) => string): string {
    const text = write(this.#topSite());
    const known = this.#hoisted.get(text);
    if (known !== undefined) return known;
    const made = this.#hoisted.size === 0 ? name : `${name}_${this.#hoisted.size}`;
    this.#hoisted.set(text, made);
    this.#names.add(made);
    return made;
  }

  get hoistedNames(): readonly string[] {
    return [...this.#hoisted.values()];
  }

  /** `rope = rotary(…)`, each once. */
  hoistedLines(indent: string): readonly string[] {
    return [...this.#hoisted].map(([text, name]) => `${indent}${name} = ${text}`);
  }

  /** The lists of numbers as one text; none without them. */
  constantTexts(): readonly string[] {
    const lines = [...this.#constants.values()].map(({ name, values }) => `${name} = ${literal(values)}`);
    return lines.length === 0 ? [] : [lines.join("\n")];
  }
}
