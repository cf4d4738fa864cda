import ts from "typescript";
import type { Code } from "../../../src/support/text.ts";
import { layoutCode } from "../../../src/support/text.ts";
import { finishText } from "../../../src/emit/module/text.ts";

/** Code as a tree, with its types or without. */
export const parsed = (code: readonly Code[], types: boolean): ts.SourceFile =>
  ts.createSourceFile("piece.ts", finishText(layoutCode(code), types), ts.ScriptTarget.ES2023, true);

/** What statements declare where they stand. */
export function declaredBy(statements: readonly ts.Statement[]): string[] {
  return statements.flatMap((statement) => {
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.flatMap(({ name }) => namesIn(name));
    const isNamed =
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement);
    return isNamed ? [statement.name!.text] : [];
  });
}

/** The names that a pattern binds. */
const namesIn = (name: ts.BindingName): string[] =>
  ts.isIdentifier(name)
    ? [name.text]
    : name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : namesIn(element.name)));

/** The names that code without types declares or reads: every word but members, keys of objects and what they rename. */
export function wordsOf(tree: ts.Node): Set<string> {
  const words = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !isMember(node)) words.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return words;
}

const isMember = (node: ts.Identifier): boolean => {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node)
  );
};
