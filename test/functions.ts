import ts from "typescript";

/** A function of the source by what it is called, and its lines from its first word to its end. */
export interface MeasuredFunction {
  readonly name: string;
  readonly lines: number;
}

/** The functions of a module, those in others too. A table is no function, however long; what it holds may be. */
export function functionsOf(path: string, text: string): MeasuredFunction[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineOf = (place: number): number => file.getLineAndCharacterOfPosition(place).line;
  const found: MeasuredFunction[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined)
      found.push({ name: nameOf(node), lines: lineOf(node.end) - lineOf(node.getStart()) + 1 });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** A function's own name, or that of what it is the value of: a constant, a property. */
function nameOf(node: ts.SignatureDeclaration): string {
  const named = node.name === undefined ? node.parent : node;
  return "name" in named && named.name !== undefined
    ? (named.name as ts.Node).getText()
    : node.kind === ts.SyntaxKind.Constructor
      ? "constructor"
      : "a function without a name";
}
