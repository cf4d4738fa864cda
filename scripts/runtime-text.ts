import ts from "typescript";

/** Lines of an emitted module, and the names that they declare there. */
interface RuntimeText {
  readonly declares: readonly string[];
  readonly code: readonly string[];
}

/**
 * Modules of ours as lines of an emitted one: their types between « and », without what they import of each other; only the
 * names of the surface are exported, and documented alone where a module is to be short.
 */
export function runtimeText(
  texts: readonly string[],
  surface: ReadonlySet<string>,
  documents: "all" | "surface" = "all",
): RuntimeText {
  const declares: string[] = [];
  const statements = texts.flatMap((text) => {
    const source = ts.createSourceFile("runtime.ts", text, ts.ScriptTarget.ES2023, true);
    return source.statements.flatMap((statement) => {
      if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) return [];
      const names = namesOf(statement);
      declares.push(...names);
      const isSurface = names.some((name) => surface.has(name));
      const code = statementText(text, statement, isSurface || documents === "all");
      return [isSurface ? code : withoutExport(code)];
    });
  });
  return { declares, code: statements.join("\n\n").split("\n") };
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  const { name } = statement as ts.DeclarationStatement;
  return name === undefined ? [] : [name.getText()];
}

const withoutExport = (code: string): string => code.replace(/^(«?)export /m, "$1");

function statementText(text: string, statement: ts.Statement, hasDoc: boolean): string {
  const [start, end] = [hasDoc ? docOf(statement, text) : statement.getStart(), statement.end];
  const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
  return marked(text, start, end, isType ? [[start, end]] : typeRanges(statement));
}

/** Where a statement begins, with the comment that is its own. */
function docOf(statement: ts.Node, text: string): number {
  const comment = ts.getLeadingCommentRanges(text, statement.pos)?.at(-1);
  const start = statement.getStart();
  return comment !== undefined && !text.slice(comment.end, start).includes("\n\n") ? comment.pos : start;
}

type Range = readonly [start: number, end: number];

/** What stands in a node for the type checker alone, outermost only. */
function typeRanges(node: ts.Node): readonly Range[] {
  const own = ownRanges(node);
  const inner: Range[] = [];
  ts.forEachChild(node, (child) => {
    inner.push(...typeRanges(child));
  });
  return [...own, ...inner.filter(([from, to]) => !own.some(([start, end]) => start <= from && to <= end))];
}

const typeModifiers = new Set([
  ts.SyntaxKind.ReadonlyKeyword,
  ts.SyntaxKind.OverrideKeyword,
  ts.SyntaxKind.PrivateKeyword,
]);

function ownRanges(node: ts.Node): Range[] {
  const ranges: Range[] = [];
  if (ts.isPropertyDeclaration(node))
    for (const modifier of node.modifiers ?? [])
      if (typeModifiers.has(modifier.kind)) ranges.push([modifier.getStart(), modifier.end + 1]);
  if (
    (ts.isParameter(node) ||
      ts.isVariableDeclaration(node) ||
      ts.isPropertyDeclaration(node) ||
      ts.isFunctionLike(node)) &&
    node.type !== undefined
  ) {
    const optional = ts.isParameter(node) ? node.questionToken : undefined;
    ranges.push([optional?.getStart() ?? node.type.pos - 1, node.type.end]);
  }
  if ((ts.isFunctionLike(node) || ts.isClassDeclaration(node)) && node.typeParameters !== undefined)
    ranges.push(withBrackets(node.typeParameters));
  if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && node.typeArguments !== undefined)
    ranges.push(withBrackets(node.typeArguments));
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) ranges.push([node.expression.end, node.end]);
  if (ts.isNonNullExpression(node)) ranges.push([node.expression.end, node.end]);
  return ranges;
}

const withBrackets = ({ pos, end }: ts.NodeArray<ts.Node>): Range => [pos - 1, end + 1];

/** Each line of a range gets marks of its own: what is left of a line without its types is looked at by itself. */
function marked(text: string, start: number, end: number, ranges: readonly Range[]): string {
  let at = start;
  let result = "";
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    result += text.slice(at, from);
    result += text
      .slice(from, to)
      .split("\n")
      .map((line) => (line === "" ? "" : `«${line}»`))
      .join("\n");
    at = to;
  }
  return result + text.slice(at, end);
}
