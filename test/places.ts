import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A line that is put into a file behind another one, in a copy that is made for the checker alone. */
export interface Addition {
  readonly before: string;
  readonly record: string;
}

/**
 * The files in which the type checker misses what was added to others, by the names that its messages say. Only those of a
 * folder are looked at if it is given.
 */
export function placesThatMiss(
  additions: Readonly<Record<string, Addition>>,
  names: readonly string[],
  folder = "",
): ReadonlyMap<string, readonly string[]> {
  const { options, fileNames } = ts.getParsedCommandLineOfConfigFile(
    `${root}tsconfig.json`,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"));
      },
    },
  )!;
  const host = ts.createCompilerHost(options);
  const readFile = host.readFile.bind(host);
  host.readFile = (path) => {
    const text = readFile(path);
    const added = additions[path.slice(root.length)];
    return added === undefined ? text : text?.replace(added.before, `${added.before}\n${added.record}`);
  };
  const diagnostics = ts.getPreEmitDiagnostics(
    ts.createProgram(
      fileNames.filter((path) => path.startsWith(root + folder)),
      options,
      host,
    ),
  );
  const missing = diagnostics.map(({ file, messageText }) => ({
    path: file!.fileName.slice(root.length),
    text: ts.flattenDiagnosticMessageText(messageText, "\n"),
  }));
  return new Map(
    names.map((name) => [
      name,
      missing.filter(({ text }) => new RegExp(`\\b${name}\\b`).test(text)).map(({ path }) => path),
    ]),
  );
}
