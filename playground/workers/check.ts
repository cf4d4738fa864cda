import { analyze, liesIn, type Analysis } from "../../src/editor/analyze.ts";
import { signatureHelp, type SignatureHelp } from "../../src/editor/calls.ts";
import { complete, type Completion } from "../../src/editor/complete.ts";
import { fixes, formatEdits } from "../../src/editor/edits.ts";
import { hints, type Hint } from "../../src/editor/hints.ts";
import { hover } from "../../src/editor/hover.ts";
import { definitionAt } from "../../src/editor/names.ts";
import { modelNames, parametersOf, settingEdits, type ModelParameter } from "../../src/editor/parameters.ts";
import { renamable, rename } from "../../src/editor/rename.ts";
import { draw } from "../../src/picture/draw.ts";
import type { Diagnostic, Edit, Severity } from "../../src/support/diagnostic.ts";
import { positionAt } from "../../src/support/source.ts";
import type { Serving } from "../calls.ts";
import { examples, exampleText, type Example } from "../examples.ts";
import { optionsOf, sourceOf, type ModelText, type Range } from "../model.ts";

/** A mistake, or a remark. */
export interface ShownProblem {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly help: string | undefined;
  /** Where it is in the text; undefined for one of a setting. */
  readonly range: Range | undefined;
  readonly line: number | undefined;
  readonly remarks: readonly string[];
  readonly fixes: readonly { readonly title: string; readonly changes: readonly Change[] }[];
}

export interface Change extends Range {
  readonly insert: string;
}

export interface Checked {
  readonly problems: readonly ShownProblem[];
  readonly hints: readonly Hint[];
  readonly parameters: readonly ModelParameter[];
  readonly models: readonly string[];
  /** Undefined while there are errors. */
  readonly name: string | undefined;
  /** Those settings that the model has parameters for. */
  readonly settings: ModelText["settings"];
  /** The model before anything is known of its kernels; undefined while there are errors. */
  readonly svg: string | undefined;
}

interface Place {
  readonly of: ModelText;
  readonly offset: number;
}

export interface ShownHover extends Range {
  readonly code: readonly string[];
  readonly notes: readonly string[];
}

/** Where a name is bound: in the text, or in a file of the library. */
export interface Definition extends Range {
  readonly file: { readonly name: string; readonly text: string } | undefined;
}

export type Renamed =
  { readonly changes: readonly Change[]; readonly weights: number } | { readonly refused: string };

export type CheckCalls = {
  readonly examples: { request: undefined; result: readonly Example[]; news: never };
  readonly example: { request: string; result: string | undefined; news: never };
  readonly check: {
    request: { readonly of: ModelText; readonly opened: readonly string[] };
    result: Checked;
    news: never;
  };
  readonly hover: { request: Place; result: ShownHover | undefined; news: never };
  readonly complete: { request: Place; result: readonly Completion[]; news: never };
  readonly signature: { request: Place; result: SignatureHelp | undefined; news: never };
  readonly definition: { request: Place; result: Definition | undefined; news: never };
  readonly renamable: { request: Place; result: { readonly name: string } | undefined; news: never };
  readonly rename: { request: Place & { readonly to: string }; result: Renamed; news: never };
  /** What makes the settings the defaults of the text. */
  readonly write: { request: ModelText; result: readonly Change[]; news: never };
  readonly format: { request: ModelText; result: readonly Change[]; news: never };
};

/** The text that was looked at last: most questions are about that. */
let last: { readonly of: ModelText; readonly analysis: Analysis } | undefined;

function analysisOf(of: ModelText): Analysis {
  if (last !== undefined && JSON.stringify(last.of) === JSON.stringify(of)) return last.analysis;
  const analysis = analyze(sourceOf(of), optionsOf(of));
  last = { of, analysis };
  return analysis;
}

export const checking: Serving<CheckCalls> = {
  examples: () => examples,
  example: exampleText,
  check({ of, opened }) {
    const given = withKnownSettings(of);
    const analysis = analysisOf(given);
    const { model, source } = analysis;
    return {
      problems: analysis.diagnostics.map((each) => problemOf(each, analysis)),
      hints: hints(analysis).filter(({ offset }) => offset <= source.text.length),
      parameters: parametersOf(analysis),
      models: modelNames(analysis),
      name: model?.name,
      settings: given.settings,
      svg: model && draw(model.graph, { opened }),
    };
  },
  hover({ of, offset }) {
    const found = hover(analysisOf(of), offset);
    return found && { from: found.span.start, to: found.span.end, code: found.code, notes: found.notes };
  },
  complete: ({ of, offset }) => complete(analysisOf(of), offset),
  signature: ({ of, offset }) => signatureHelp(analysisOf(of), offset),
  definition({ of, offset }) {
    const analysis = analysisOf(of);
    const span = definitionAt(analysis, offset);
    if (span === undefined) return undefined;
    const { start: from, end: to, source } = span;
    return { from, to, file: liesIn(span, analysis.source) ? undefined : source };
  },
  renamable({ of, offset }) {
    const found = renamable(analysisOf(of), offset);
    return found && { name: found.name };
  },
  rename({ of, offset, to }) {
    const found = rename(analysisOf(of), offset, to);
    if (found.kind === "refused") return { refused: found.why };
    return { changes: found.edits.map(changeOf), weights: found.weights.length };
  },
  write: (of) => settingEdits(analysisOf(of)).map(changeOf),
  format: (of) => formatEdits(sourceOf(of)).map(changeOf),
};

/** A setting whose parameter is gone from the text would be a mistake that nobody made. */
function withKnownSettings(of: ModelText): ModelText {
  const names = Object.keys(of.settings);
  if (names.length === 0) return of;
  const known = new Set(parametersOf(analysisOf(of)).map(({ name }) => name));
  if (names.every((name) => known.has(name))) return of;
  return {
    ...of,
    settings: Object.fromEntries(Object.entries(of.settings).filter(([name]) => known.has(name))),
  };
}

const changeOf = ({ span: { start, end }, text }: Edit): Change => ({ from: start, to: end, insert: text });

function problemOf(diagnostic: Diagnostic, analysis: Analysis): ShownProblem {
  const { severity, code, message, help, labels } = diagnostic;
  const [first] = labels;
  const isHere = first !== undefined && liesIn(first.span, analysis.source);
  const elsewhere = first === undefined || isHere ? "" : `${first.span.source.name}: `;
  return {
    severity,
    code,
    message: elsewhere + message,
    help,
    range: isHere ? { from: first.span.start, to: first.span.end } : undefined,
    line: isHere ? positionAt(analysis.source, first.span.start).line : undefined,
    remarks: labels.flatMap(({ text }) => text ?? []),
    fixes: isHere
      ? fixes({ source: analysis.source, diagnostics: [diagnostic] }, first.span).map(({ title, edits }) => ({
          title,
          changes: edits.map(changeOf),
        }))
      : [],
  };
}
