import ts from "typescript";

/** A type of ours that the API of a page names, and the text that declares it. */
interface TypeSource {
  readonly text: string;
  readonly names: readonly string[];
}

/**
 * The API of a page as a script and as declarations, which stand alone: what the text imports is types, and those that are
 * named come from other texts.
 */
export function standingAlone(
  text: string,
  types: readonly TypeSource[],
): { readonly script: string; readonly declarations: string } {
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    strict: true,
    verbatimModuleSyntax: true,
    declaration: true,
  };
  const script = ts.transpileModule(text, { compilerOptions }).outputText;
  const declared = [
    ...types.map(({ text: from, names }) => statementsOf(from, isNamed(names))),
    statementsOf(text, isOwn),
  ];
  const { outputText, diagnostics } = ts.transpileDeclaration(declared.flat().join("\n\n"), {
    compilerOptions,
  });
  const [first] = diagnostics ?? [];
  if (first !== undefined) throw new Error(ts.flattenDiagnosticMessageText(first.messageText, "\n"));
  return { script, declarations: outputText };
}

type Choice = (statement: ts.Statement) => boolean;

const isNamed =
  (names: readonly string[]): Choice =>
  (statement) => {
    const { name } = statement as ts.DeclarationStatement;
    return name !== undefined && names.includes(name.getText());
  };

/** What a text declares itself and gives to others. */
const isOwn: Choice = (statement) =>
  !ts.isImportDeclaration(statement) &&
  ts.canHaveModifiers(statement) &&
  ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;

/** The statements of a text that are chosen, each with its comment. */
function statementsOf(text: string, isChosen: Choice): readonly string[] {
  const source = ts.createSourceFile("types.ts", text, ts.ScriptTarget.ES2022, true);
  return source.statements
    .filter(isChosen)
    .map((statement) => text.slice(statement.getFullStart(), statement.end).trim());
}
