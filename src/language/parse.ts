import type { Node } from "ohm-js";
import { sortDiagnostics, type Diagnostic } from "../support/diagnostic.ts";
import type { Source } from "../support/source.ts";
import type { Body, ConfigLine, Definition, File, Statement, TrainLine, Use } from "./ast.ts";
import type { Context } from "./build/context.ts";
import { buildOperand } from "./build/operands.ts";
import { buildTopLevel } from "./build/definitions.ts";
import { buildConfigLine, buildTrainLine } from "./build/settings.ts";
import { buildStatement } from "./build/statements.ts";
import * as errors from "./errors/layout.ts";
import { isFailure, match, type Rule } from "./grammar.ts";
import { layOut, type Layout } from "./layout.ts";
import { explain } from "./mistakes/explain.ts";
import { cut, type Piece } from "./pieces.ts";
import { Report } from "./report.ts";

/** A model takes a few KB; what is longer is no model, and would only keep the machine busy. */
export const MAX_FILE = 256 * 1024;

/** Of one statement without its inner bodies: the parser's memory grows with it, by some 3 KB a character. */
const MAX_STATEMENT = 32 * 1024;

export interface Parsed {
  /** What could be parsed; whole if there is no error among the diagnostics. */
  readonly file: File;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Parses a file a statement at a time, so that one path serves good and bad files: every independent mistake is
 * reported, and time and memory grow with the length of the file and of its longest statement.
 */
export function parse(source: Source): Parsed {
  const { length } = source.text;
  if (length > MAX_FILE) {
    const diagnostics = [errors.fileTooLong({ source, start: 0, end: 0 }, length, MAX_FILE)];
    return { file: { source, uses: [], definitions: [], comments: [] }, diagnostics };
  }
  return new Parser(source).file();
}

class Parser {
  readonly #source: Source;
  readonly #layout: Layout;
  readonly #report = new Report();

  constructor(source: Source) {
    this.#source = source;
    this.#layout = layOut(source);
    for (const diagnostic of this.#layout.diagnostics) this.#report.add(diagnostic);
  }

  file(): Parsed {
    const tops = this.#statements(0, this.#source.text.length, "TopLevel", buildTopLevel);
    const file = {
      source: this.#source,
      uses: tops.filter((top): top is Use => "path" in top),
      definitions: tops.filter((top): top is Definition => "body" in top),
      comments: this.#layout.comments,
    };
    return { file, diagnostics: sortDiagnostics(this.#report.diagnostics) };
  }

  /** Parses the statements of a range; what cannot be parsed is reported and left out. */
  #statements<T>(from: number, to: number, rule: Rule, build: (context: Context, node: Node) => T): T[] {
    const found: T[] = [];
    for (const piece of cut(this.#source, this.#layout, from, to)) {
      if (this.#report.full) break;
      if (piece.broken) continue;
      const node = this.#match(piece, rule);
      if (node === undefined) this.#lookInside(piece, rule);
      else found.push(build(this.#context(piece), node));
    }
    return found;
  }

  #match(piece: Piece, rule: Rule): Node | undefined {
    const { length } = piece.text;
    if (length > MAX_STATEMENT) {
      this.#report.add(errors.statementTooLong(piece.span(0, 1), length, MAX_STATEMENT));
      return undefined;
    }
    const result = match(piece.text, rule);
    if (!isFailure(result)) return result;
    this.#report.add(explain(piece, rule, result));
    return undefined;
  }

  #context(piece: Piece): Context {
    const inside = <T>(rule: Rule, build: (context: Context, node: Node) => T) => {
      return (at: number): T[] => {
        const open = piece.fileOffset(at);
        return this.#statements(open + 1, this.#layout.braces.get(open) ?? open, rule, build);
      };
    };
    return {
      piece,
      report: this.#report,
      operators: 0,
      operand: buildOperand,
      body: (at) => this.#body(piece, at),
      trainLines: inside<TrainLine>("TrainLine", buildTrainLine),
      configLines: inside<ConfigLine>("ConfigLine", buildConfigLine),
    };
  }

  #body(piece: Piece, at: number): Body {
    const start = piece.fileOffset(at);
    const close = this.#layout.braces.get(start) ?? start;
    const statements = this.#statements<Statement>(start + 1, close, "Statement", buildStatement);
    return { span: { source: this.#source, start, end: close + 1 }, statements };
  }

  /** Reports the mistakes in the bodies of a statement that could not be parsed itself. */
  #lookInside(piece: Piece, rule: Rule): void {
    const [word] = /^\w*/.exec(piece.text) ?? [];
    for (const { open, close } of piece.folds) {
      if (word === "train" || rule === "TrainLine")
        this.#statements(open + 1, close, "TrainLine", buildTrainLine);
      else if (word === "config") this.#statements(open + 1, close, "ConfigLine", buildConfigLine);
      else this.#statements(open + 1, close, "Statement", buildStatement);
    }
  }
}
