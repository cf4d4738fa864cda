import type { Graph, Input, SymbolDeclaration } from "../ir/graph.ts";
import { attributeSizes } from "../ir/verify.ts";
import { symbolsOf } from "../tensor/dim.ts";

/** A graph that declares, of these run-time sizes, those that it speaks of; those that no input says are given. */
export function declared(graph: Graph, symbols: readonly SymbolDeclaration[]): Graph {
  const used = usedSymbols(graph);
  const said = new Set(graph.inputs.flatMap(({ value }) => value.type.shape.map(({ key }) => key)));
  const own = symbols.filter(({ name }) => used.has(name));
  return {
    ...graph,
    symbols: own.map((symbol) => (said.has(symbol.name) ? symbol : { ...symbol, given: true })),
  };
}

/** The run-time sizes that types and attributes speak of. */
function usedSymbols({ inputs, states, nodes }: Graph): ReadonlySet<string> {
  const kept = [...inputs, ...states].map(({ value }) => value);
  const types = [...kept, ...nodes.flatMap(({ results }) => results)].map(({ type }) => type);
  const sizes = [...types.flatMap(({ shape }) => shape), ...nodes.flatMap(attributeSizes)];
  const different = new Map(sizes.map((size) => [size.key, size]));
  return new Set([...different.values()].flatMap((size) => [...symbolsOf(size)]));
}

/** The first name that a graph does not have for a size. */
export function unusedSymbol({ symbols }: Graph, short: string, long: string): string {
  const taken = new Set(symbols.map(({ name }) => name));
  let name = taken.has(short) ? long : short;
  for (let count = 2; taken.has(name); count++) name = `${long}${count}`;
  return name;
}

/** The size that is the batch of the inputs with an axis of this size: the first other one that the graph declares. */
export function batchOf(
  { inputs, symbols }: Pick<Graph, "inputs" | "symbols">,
  text: string,
): string | undefined {
  const declared = new Set(symbols.map(({ name }) => name));
  const keysOf = ({ value }: Input): string[] => value.type.shape.map(({ key }) => key);
  const texts = inputs.map(keysOf).filter((keys) => keys.includes(text));
  return texts.flat().find((key) => key !== text && declared.has(key));
}
