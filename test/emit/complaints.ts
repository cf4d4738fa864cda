import ts from "typescript";

/** The settings under which emitted modules are checked: all of --strict, and nothing that is not used. */
export const strict: ts.CompilerOptions = {
  strict: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  noImplicitReturns: true,
  noImplicitOverride: true,
  exactOptionalPropertyTypes: true,
  erasableSyntaxOnly: true,
  isolatedModules: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
  types: [],
  // The declarations of the language and of browsers are not ours to check.
  skipLibCheck: true,
  noEmit: true,
};

/** Files that are read from disk, parsed: the language's own are the same for all programs. */
const parsedFiles = new Map<string, ts.SourceFile | undefined>();

/** The compiler's messages about files, by name; the first is the one that it is started with. */
export function projectComplaints(
  files: Readonly<Record<string, string>>,
  options: ts.CompilerOptions,
): string[] {
  const host = ts.createCompilerHost(options);
  const [getSourceFile, fileExists] = [host.getSourceFile.bind(host), host.fileExists.bind(host)];
  const fromDisk: typeof getSourceFile = (name, target) => {
    const key = JSON.stringify([name, target]);
    if (!parsedFiles.has(key)) parsedFiles.set(key, getSourceFile(name, target));
    return parsedFiles.get(key);
  };
  const own = (name: string): string | undefined => files[name.split("/").at(-1)!];
  host.fileExists = (name) => own(name) !== undefined || fileExists(name);
  host.getSourceFile = (name, target) => {
    const text = own(name);
    return text === undefined ? fromDisk(name, target) : ts.createSourceFile(name, text, target);
  };
  const program = ts.createProgram([Object.keys(files)[0]!], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

const unchecked = "// @ts-nocheck\n";

/** The compiler's messages about an emitted module that does not tell it to pass over it. */
export function complaints(text: string, options: ts.CompilerOptions = strict): string[] {
  if (!text.includes(unchecked)) throw new Error("the module does not say that a project passes over it");
  return projectComplaints({ "module.ts": text.replace(unchecked, "") }, options);
}
