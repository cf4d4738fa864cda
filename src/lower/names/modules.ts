import type { Definition, File, Use } from "../../language/ast.ts";
import { parse } from "../../language/parse.ts";
import { stdSources } from "../../std/std.generated.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import type { Source, Span } from "../../support/source.ts";
import * as bindingErrors from "../errors/bindings.ts";
import * as fileErrors from "../errors/files.ts";
import type { Found, Module } from "./module.ts";

/** Finds the file of a `use` line; undefined if there is none, or why it may not or cannot be read. The core itself reads no files. */
export type ResolveUse = (path: string, from: Source) => Source | UseRefusal | undefined;

/** Why a file is there and yet is not used, as the diagnostic says it. */
export type UseRefusal = Pick<Diagnostic, "code" | "message" | "help">;

/** The library's files, each parsed when one of its names is first asked for. */
class StandardLibrary {
  readonly #where = new Map<string, Source>();
  readonly #modules = new Map<Source, Module>();

  constructor() {
    for (const { name, text } of stdSources) {
      const source: Source = { name: `std/${name}`, text };
      for (const [, definition] of text.matchAll(/^(?:block|model) (\w+)/gm))
        this.#where.set(definition!, source);
    }
  }

  names(): Iterable<string> {
    return this.#where.keys();
  }

  has(source: Source): boolean {
    return this.#modules.has(source);
  }

  find(name: string): Found | undefined {
    const source = this.#where.get(name);
    if (source === undefined) return undefined;
    let module = this.#modules.get(source);
    if (module === undefined) {
      module = {
        source,
        library: true,
        own: byName(parse(source).file.definitions),
        used: new Map(),
        uses: [],
        incomplete: false,
      };
      this.#modules.set(source, module);
    }
    const definition = module.own.get(name);
    return definition === undefined ? undefined : { definition, module };
  }
}

/** The one library: its texts never change and trees are never written to, so all lowerings read the same. */
export const library = new StandardLibrary();

export type Library = StandardLibrary;

const byName = (definitions: readonly Definition[]): Map<string, Definition> =>
  new Map(definitions.map((definition) => [definition.name.text, definition]));

/** Reads a file's `use` lines, and those of the files that they name, each file once. */
export function loadModule(
  file: File,
  resolve: ResolveUse,
  report: (diagnostic: Diagnostic) => void,
): Module {
  const loaded = new Map<string, Module>();
  const load = (current: File): Module => {
    const used = new Map<string, Found>();
    const uses: { use: Use; module: Module }[] = [];
    const own = ownDefinitions(current, report);
    const module = { source: current.source, library: false, own, used, uses, incomplete: false };
    loaded.set(current.source.name, module);
    for (const use of current.uses) {
      const [path] = use.path.parts;
      if (use.path.parts.length !== 1 || typeof path !== "string") {
        report(fileErrors.emptyPath(use.path.span));
        module.incomplete = true;
        continue;
      }
      const source = resolve(path, current.source);
      if (source === undefined) {
        const near = resolve(`${path}.lmg`, current.source);
        const isThere = near !== undefined && "text" in near;
        report(fileErrors.usedFileMissing(use.path.span, path, isThere ? `${path}.lmg` : undefined));
        module.incomplete = true;
        continue;
      }
      if (!("text" in source)) {
        report(fileErrors.usedFileRefused(use.path.span, source));
        module.incomplete = true;
        continue;
      }
      const other = loaded.get(source.name) ?? load(parsed(source, report));
      bring(other, own, used, report);
      uses.push({ use, module: other });
      module.incomplete ||= other.incomplete;
    }
    return module;
  };
  return load(file);
}

function parsed(source: Source, report: (diagnostic: Diagnostic) => void): File {
  const { file, diagnostics } = parse(source);
  for (const diagnostic of diagnostics) report(diagnostic);
  return file;
}

function ownDefinitions(file: File, report: (diagnostic: Diagnostic) => void): Map<string, Definition> {
  const own = new Map<string, Definition>();
  for (const definition of file.definitions) {
    const other = own.get(definition.name.text);
    if (other === undefined) own.set(definition.name.text, definition);
    else report(bindingErrors.definedTwice(definition.name, other.name));
    requireDistinctParameters(definition, report);
  }
  return own;
}

function requireDistinctParameters(
  { parameters }: Definition,
  report: (diagnostic: Diagnostic) => void,
): void {
  const first = new Map<string, Span>();
  for (const { name, span } of parameters) {
    const other = first.get(name.text);
    if (other === undefined) first.set(name.text, span);
    else report(bindingErrors.parameterDeclaredTwice(name, other));
  }
}

/** Two definitions of one name are an error, wherever they come from. */
function bring(
  other: Module,
  own: ReadonlyMap<string, Definition>,
  used: Map<string, Found>,
  report: (diagnostic: Diagnostic) => void,
): void {
  for (const [name, definition] of other.own) {
    const first = own.get(name) ?? used.get(name)?.definition;
    if (first === undefined) used.set(name, { definition, module: other });
    else if (first !== definition) report(bindingErrors.definedTwice(definition.name, first.name));
  }
}

/** The definition that a name means in a file: its own, one that it uses, one of the library. */
export function findDefinition(module: Module, library: Library, name: string): Found | undefined {
  const own = module.own.get(name);
  if (own !== undefined) return { definition: own, module };
  return module.used.get(name) ?? library.find(name);
}

/** All names of blocks and models that a file sees. */
export const visibleDefinitions = (module: Module, library: Library): string[] => [
  ...module.own.keys(),
  ...module.used.keys(),
  ...library.names(),
];
