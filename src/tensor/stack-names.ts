/**
 * Names of stacks: of parameters [n, ..shape] whose parts are tensors of their own in checkpoints, as experts are that are published one
 * by one. `*` stands where their numbers do. This text is part of emitted modules too, and imports nothing.
 */

/** The name of a part of a stack. */
export const partName = (stack: string, part: number): string => stack.replace("*", String(part));

/** A parameter, by what is to be found of it. */
interface Wanted {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A stack that is there in parts, under whatever prefix. */
export interface PublishedStack {
  readonly name: string;
  /** The names of its parts, in their order. */
  readonly parts: readonly string[];
  /** Those that are not there. */
  readonly missing: readonly string[];
}

/** By every end of the name of a stack that has its `*`, how many parts the stack has. */
function stackEnds(wanted: readonly Wanted[]): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { name, shape } of wanted) {
    let at = 0;
    do {
      ends.set(name.slice(at), shape[0]!);
      at = name.indexOf(".", at) + 1;
    } while (at < name.indexOf("*"));
  }
  return ends;
}

/** The stacks of which there are parts among given tensors, as those that are not there whole. */
export function stacksAmong(
  wanted: readonly Wanted[],
  given: ReadonlyMap<string, unknown>,
): readonly PublishedStack[] {
  const ends = stackEnds(wanted.filter(({ name }) => name.includes("*") && !given.has(name)));
  const found = new Map<string, PublishedStack>();
  for (const tensor of ends.size === 0 ? [] : given.keys())
    for (const { index, 0: number } of tensor.matchAll(/(?<=^|\.)\d+(?=\.|$)/g)) {
      const name = tensor.slice(0, index) + "*" + tensor.slice(index + number.length);
      if (found.has(name)) continue;
      let count = ends.get(name);
      for (let at = name.indexOf("."); count === undefined && at < index - 1; at = name.indexOf(".", at + 1))
        count = ends.get(name.slice(at + 1));
      if (count === undefined) continue;
      const parts = Array.from({ length: count }, (_, part) => partName(name, part));
      found.set(name, { name, parts, missing: parts.filter((part) => !given.has(part)) });
    }
  return [...found.values()];
}
