import { append } from "../support/lists.ts";
import type { Span } from "../support/source.ts";
import type { BindStatement, LetStatement, NormClause, RepeatStatement } from "./ast.ts";
import type { Argument, DimReference, MadeList, Name, Path, Tap } from "./ast/expressions.ts";

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
  for (const node of nodesOf(definition, without))
    if (isPath(node)) {
      add(node.root);
      for (const part of node.parts) if (part.kind === "field") add(part.name);
    } else if (isOutput(node)) add(node.name);
    else if (isNorm(node)) add(node.position);
  return names;
}

/** The names by which calls of a definition give arguments. */
export const argumentNames = (definition: object): ReadonlySet<string> =>
  new Set([...nodesOf(definition)].flatMap((node) => (isNamedArgument(node) ? [node.name.text] : [])));

/** What a definition or a part of one reads and binds, each in the order of the text. */
export function namesIn(part: object): { readonly read: readonly Path[]; readonly bound: readonly Name[] } {
  const [read, bound]: [Path[], Name[]] = [[], []];
  for (const node of nodesOf(part)) {
    if (isPath(node)) read.push(node);
    else if (isNorm(node)) read.push({ span: node.position.span, root: node.position, parts: [] });
    append(bound, namesBoundBy(node));
  }
  return { read: read.sort(inText), bound: bound.sort(inText) };
}

const inText = (a: { readonly span: Span }, b: { readonly span: Span }): number =>
  a.span.start - b.span.start;

/** `as y`, `y = …`, `let y`, `input y`, the index of a repeat or of a list, a parameter, and a dim of a type, which may be bound before. */
function namesBoundBy(node: object): readonly Name[] {
  if (isTap(node)) return [node.name];
  if (!("kind" in node)) return [];
  const { kind } = node;
  if (kind === "bind") return (node as BindStatement).targets;
  if (kind === "let" || kind === "input" || kind === "target" || Array.isArray(kind))
    return [(node as LetStatement).name];
  const counts = kind === "repeat" || kind === "made_list";
  const index = counts ? (node as RepeatStatement | MadeList).index : undefined;
  if (index !== undefined) return [index];
  if (kind !== "dim" || !("value" in node)) return [];
  const { value } = node as DimReference & { kind: "dim" };
  const isName = value.kind === "call" && value.arguments === undefined && value.path.parts.length === 0;
  return isName && /^[A-Z]/.test(value.path.root.text) ? [value.path.root] : [];
}

/** All nodes of a tree. Names stand at every depth, so that all of it is walked, whatever a node is; a stack, as trees are deep. */
function* nodesOf(tree: object, without?: object): Generator<object> {
  const left: unknown[] = [tree];
  while (left.length > 0) {
    const node = left.pop();
    if (typeof node !== "object" || node === null || node === without) continue;
    yield node;
    for (const [key, child] of Object.entries(node)) if (!isPlace(key)) left.push(child);
  }
}

const isPath = (node: object): node is Path => "root" in node && "parts" in node;

const isOutput = (node: object): node is { readonly name: Name } =>
  "kind" in node && (node.kind === "output" || node.kind === "like");

const isNorm = (node: object): node is NormClause => "kind" in node && node.kind === "norm";

const isTap = (node: object): node is Tap => !("kind" in node) && "name" in node && "type" in node;

const isNamedArgument = (node: object): node is Argument & { readonly name: Name } =>
  !("kind" in node) && "value" in node && "name" in node && node.name !== undefined;

/** Where a node stands: it leads to the whole text. */
const isPlace = (key: string): boolean => key === "span" || key === "operatorSpan";
