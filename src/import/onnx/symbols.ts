import { dim, symbolDim, type Dim } from "../../tensor/dim.ts";
import type { OnnxInput } from "./model.ts";

/** What exporters call the sizes that models of texts have, and what `.lmg` files do. */
const customary: Readonly<Record<string, string>> = {
  batch: "B",
  batch_size: "B",
  N: "B",
  seq: "T",
  seq_len: "T",
  seq_length: "T",
  sequence: "T",
  sequence_length: "T",
};

const letters = ["B", "T", "S", "U", "V", "W", "X", "Y", "Z"];

/** The shape of each input: sizes of one name are one size, those without a name each its own. */
export function symbolsFor(inputs: readonly OnnxInput[]): readonly (readonly Dim[])[] {
  const named = new Map<string, string>();
  const taken = new Set<string>();
  const free = (wish: string | undefined): string => {
    const plain =
      wish !== undefined && !taken.has(wish) ? wish : letters.find((letter) => !taken.has(letter));
    const name = plain ?? `D${taken.size}`;
    taken.add(name);
    return name;
  };
  const symbol = (size: string): string => {
    const known = named.get(size);
    if (known !== undefined) return known;
    const made = free(Object.hasOwn(customary, size) ? customary[size] : asSymbol(size));
    named.set(size, made);
    return made;
  };
  return inputs.map(({ sizes }) =>
    sizes.map((size) =>
      typeof size === "number" ? dim(size) : symbolDim(size === undefined ? free(undefined) : symbol(size)),
    ),
  );
}

/** A name as that of a size: with a capital. Names as `s0` that tools count are none that a person would read. */
function asSymbol(name: string): string | undefined {
  if (!/^[A-Za-z]\w*$/.test(name) || /^s\d+$/.test(name)) return undefined;
  return name[0]!.toUpperCase() + name.slice(1);
}
