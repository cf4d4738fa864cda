import type { NormClause } from "./ast.ts";
import type { Name, Path } from "./ast/expressions.ts";

/**
 * The names that a definition, or a part of one, reads: what paths begin with and their parts (`h[0].level`), the words that
 * place norms, and what its outputs are called. Neither labels nor names of arguments, and not what binds a name. Each with where it stands in the text.
 */
export function namesRead(definition: object, without?: object): ReadonlyMap<string, readonly number[]> {
  const names = new Map<string, number[]>();
  const add = ({ text, span }: Name): void => {
    const places = names.get(text);
    if (places === undefined) names.set(text, [span.start]);
    else places.push(span.start);
  };
  // Paths stand at every depth of the tree, so that all of it is walked, whatever a node is; a stack, as trees are deep.
  const left: unknown[] = [definition];
  while (left.length > 0) {
    const node = left.pop();
    if (typeof node !== "object" || node === null || node === without) continue;
    if (isPath(node)) {
      add(node.root);
      for (const part of node.parts) if (part.kind === "field") add(part.name);
    } else if (isOutput(node)) add(node.name);
    else if (isNorm(node)) add(node.position);
    for (const [key, child] of Object.entries(node)) if (!isPlace(key)) left.push(child);
  }
  return names;
}

const isPath = (node: object): node is Path => "root" in node && "parts" in node;

const isOutput = (node: object): node is { readonly name: Name } => "kind" in node && node.kind === "output";

const isNorm = (node: object): node is NormClause => "kind" in node && node.kind === "norm";

/** Where a node stands: it leads to the whole text. */
const isPlace = (key: string): boolean => key === "span" || key === "operatorSpan";
