import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { readText } from "../../checkpoint/files/read.ts";
import { places } from "../../checkpoint/places.ts";
import { orThrow } from "../../checkpoint/problem.ts";
import { analyze, type Analysis } from "../../editor/analyze.ts";
import type { Source } from "../../support/source.ts";
import { modelFilesIn } from "../places.ts";
import { projectOf, realPath } from "../project.ts";
import { useResolver } from "../source.ts";
import { fileUri } from "./convert.ts";

/** A text that an editor has open, as it was analysed last. */
interface Known {
  readonly version: number;
  readonly analysis: Analysis;
  /** Paths of the files that it uses, as far as they were looked for. */
  readonly uses: ReadonlySet<string>;
}

/** The texts that an editor has open, and what is known of them; files that they use are read from there, or else from disk. */
export class Workspace {
  readonly #known = new Map<string, Known>();
  readonly #library = new LibraryFiles();
  readonly #open: (uri: string) => TextDocument | undefined;
  readonly #all: () => readonly TextDocument[];

  constructor(documents: { get(uri: string): TextDocument | undefined; all(): TextDocument[] }) {
    this.#open = (uri) => documents.get(uri);
    this.#all = () => documents.all();
  }

  /** What a text means as it is now; undefined if no editor has it open. */
  analysis(uri: string): Analysis | undefined {
    const document = this.#open(uri);
    if (document === undefined) return undefined;
    const there = this.#known.get(uri);
    if (there?.version === document.version) return there.analysis;
    const uses = new Set<string>();
    const analysis = this.#analyze({ name: nameOf(uri), text: document.getText() }, (file) => uses.add(file));
    this.#known.set(uri, { version: document.version, analysis, uses });
    return analysis;
  }

  /** What else may name what a text or a file that it uses binds: other texts that are open, and files of its project that use some. */
  others(uri: string): readonly Analysis[] {
    if (!uri.startsWith("file:")) return [];
    const open = this.#all().filter((document) => document.uri !== uri);
    const known = new Set([uri, ...open.map((document) => document.uri)].map((one) => realPath(nameOf(one))));
    const closed = modelFilesIn(projectAsNamed(nameOf(uri)))
      .filter((path) => !known.has(realPath(path)))
      .map((path): Source => ({ name: path, text: orThrow(readText(path, places.model)) }))
      .filter(({ text }) => /^\s*use\b/m.test(text));
    return [
      ...open.map((document) => this.analysis(document.uri)!),
      ...closed.map((source) => this.#analyze(source)),
    ];
  }

  /** Files that it uses are read as editors have them; `used` is told the path of each. */
  #analyze(source: Source, used: (path: string) => void = () => undefined): Analysis {
    const resolve = useResolver(source.name, {}, (file) => this.#edited(file));
    return analyze(source, {
      resolveUse: (path, from) => {
        const found = resolve(path, from);
        if (found !== undefined && "text" in found) used(realPath(found.name));
        return found;
      },
    });
  }

  /** Forgets what other texts made of one that changed; the URIs of those. */
  changed(uri: string): readonly string[] {
    const path = realPath(nameOf(uri));
    const readers = [...this.#known]
      .filter(([other, { uses }]) => other !== uri && uses.has(path))
      .map(([other]) => other);
    for (const reader of readers) this.#known.delete(reader);
    return readers;
  }

  close(uri: string): void {
    this.#known.delete(uri);
  }

  uriOf = (source: Source): string | undefined =>
    source.name.startsWith("std/") ? this.#library.uriOf(source) : fileUri(source);

  /** Removes what was written for editors to show. */
  dispose(): void {
    this.#library.dispose();
  }

  /** A text under the name by which it was asked for, so that all that is said of it lies in one file. */
  #edited(path: string): Source | undefined {
    const document = this.#all().find(({ uri }) => uri.startsWith("file:") && realPath(nameOf(uri)) === path);
    return document && { name: nameOf(document.uri), text: document.getText() };
  }
}

/** The project of a file, by the folders of which the file's path has them: links are not followed, so that names are alike. */
function projectAsNamed(file: string): string {
  const project = projectOf(file);
  const inside = relative(project, realPath(file));
  return file.endsWith(inside) ? file.slice(0, file.length - inside.length) : project;
}

const nameOf = (uri: string): string => (uri.startsWith("file:") ? fileURLToPath(uri) : uri);

/** The standard library as files that only can be read: every editor can open those. Written when one is first asked for. */
class LibraryFiles {
  #folder: string | undefined;

  uriOf({ name, text }: Source): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), "lmg-std-"));
    const path = join(this.#folder, name);
    mkdirSync(dirname(path), { recursive: true });
    try {
      writeFileSync(path, text, { flag: "wx" });
      chmodSync(path, 0o444);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    return fileUri({ name: path, text });
  }

  dispose(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
