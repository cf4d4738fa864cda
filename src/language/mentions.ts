import type { NormClause } from "./ast.ts";
import type { Path } from "./ast/expressions.ts";

/**
 * The names that a definition, or a part of one, reads: what paths begin with and their parts (`h[0].level`), the words that
 * place norms, and what its outputs are called. Neither labels nor names of arguments, and not what binds a name.
 */
export function namesRead(definition: object, without?: object): ReadonlySet<string> {
  const names = new Set<string>();
  // Paths stand at every depth of the tree, so that all of it is walked, whatever a node is; a stack, as trees are deep.
  const left: unknown[] = [definition];
  while (left.length > 0) {
    const node = left.pop();
    if (typeof node !== "object" || node === null || node === without) continue;
    if (isPath(node)) {
      names.add(node.root.text);
      for (const part of node.parts) if (part.kind === "field") names.add(part.name.text);
    } else if (isOutput(node)) names.add(node.name.text);
    else if (isNorm(node)) names.add(node.position.text);
    for (const [key, child] of Object.entries(node)) if (!isPlace(key)) left.push(child);
  }
  return names;
}

const isPath = (node: object): node is Path => "root" in node && "parts" in node;

const isOutput = (node: object): node is { readonly name: { readonly text: string } } =>
  "kind" in node && node.kind === "output";

const isNorm = (node: object): node is NormClause => "kind" in node && node.kind === "norm";

/** Where a node stands: it leads to the whole text. */
const isPlace = (key: string): boolean => key === "span" || key === "operatorSpan";
