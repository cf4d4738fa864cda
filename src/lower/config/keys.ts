import type { Expression, Path } from "../../language/ast/expressions.ts";

const words: ReadonlySet<string> = new Set(["true", "false", "none"]);

/** A path without index as the key that it names; undefined for a word of the language. */
export function keyOf(path: Path): string | undefined {
  const parts = [path.root.text];
  for (const part of path.parts) {
    if (part.kind === "index") return undefined;
    parts.push(part.name.text);
  }
  const key = parts.join(".");
  return words.has(key) ? undefined : key;
}

/** The keys that an expression names: what stands without parentheses is one, and what has some is a layer or a function. */
export function keysOf(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "call": {
      const inner = (expression.arguments ?? []).flatMap((argument) => keysOf(argument.value));
      const key = expression.arguments === undefined ? keyOf(expression.path) : undefined;
      const indices = expression.path.parts.flatMap((part) =>
        part.kind === "index" ? keysOf(part.value) : [],
      );
      const root = indices.length > 0 ? [expression.path.root.text] : [];
      return key === undefined ? [...root, ...inner, ...indices] : [key];
    }
    case "unary":
      return keysOf(expression.operand);
    case "binary":
      return [...keysOf(expression.left), ...keysOf(expression.right)];
    case "conditional":
      return [expression.condition, expression.then, expression.otherwise].flatMap(keysOf);
    case "list":
      return expression.items.flatMap(keysOf);
    case "made_list": {
      const { item, index, first, end } = expression;
      const inItem = keysOf(item).filter((key) => key !== index.text);
      return [...inItem, ...(first === undefined ? [] : keysOf(first)), ...keysOf(end)];
    }
    case "group":
      return expression.chains.flatMap(({ head }) => (head.kind === "layer" ? [] : keysOf(head)));
    case "number":
    case "text":
      return [];
  }
}

/** The expression with each dotted key as one name, which is how the scope of a config has it. */
export function inline(expression: Expression): Expression {
  switch (expression.kind) {
    case "call": {
      const key = expression.arguments === undefined ? keyOf(expression.path) : undefined;
      if (key !== undefined)
        return {
          ...expression,
          path: { span: expression.path.span, root: { span: expression.path.span, text: key }, parts: [] },
        };
      if (expression.arguments === undefined) return expression;
      const given = expression.arguments.map((argument) => ({ ...argument, value: inline(argument.value) }));
      return { ...expression, arguments: given };
    }
    case "unary":
      return { ...expression, operand: inline(expression.operand) };
    case "binary":
      return { ...expression, left: inline(expression.left), right: inline(expression.right) };
    case "conditional":
      return {
        ...expression,
        condition: inline(expression.condition),
        then: inline(expression.then),
        otherwise: inline(expression.otherwise),
      };
    case "list":
      return { ...expression, items: expression.items.map(inline) };
    case "made_list": {
      const { item, first, end } = expression;
      return { ...expression, item: inline(item), first: first && inline(first), end: inline(end) };
    }
    case "group":
      return {
        ...expression,
        chains: expression.chains.map((chain) =>
          chain.head.kind === "layer" ? chain : { ...chain, head: inline(chain.head) },
        ),
      };
    case "number":
    case "text":
      return expression;
  }
}
