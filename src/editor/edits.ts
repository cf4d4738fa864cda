import { format } from "../language/format.ts";
import { tokenize, type Token } from "../language/tokens.ts";
import { isError, type Diagnostic, type Edit } from "../support/diagnostic.ts";
import { spanText, type Source } from "../support/source.ts";
import { liesIn, type Analysis } from "./analyze.ts";

/** What would mend a mistake. */
export interface Fix {
  readonly title: string;
  readonly diagnostic: Diagnostic;
  readonly edits: readonly Edit[];
}

/** The fixes of mistakes that touch a range. */
export function fixes(
  { source, diagnostics }: Pick<Analysis, "source" | "diagnostics">,
  range: { readonly start: number; readonly end: number },
): readonly Fix[] {
  return diagnostics.flatMap((diagnostic) => {
    const { labels, fix = [] } = diagnostic;
    const [first] = labels;
    const touches =
      first !== undefined &&
      liesIn(first.span, source) &&
      first.span.start <= range.end &&
      range.start <= first.span.end;
    if (!touches || fix.length === 0 || fix.some(({ span }) => !liesIn(span, source))) return [];
    return [{ title: titleOf(fix), diagnostic, edits: fix }];
  });
}

function titleOf(edits: readonly Edit[]): string {
  const [edit] = edits;
  if (edits.length > 1 || edit === undefined) return "mend it";
  const before = spanText(edit.span);
  if (edit.text.trim() === "") return `remove \`${oneLine(before)}\``;
  return before === "" ? `insert \`${oneLine(edit.text)}\`` : `change to \`${oneLine(edit.text)}\``;
}

const oneLine = (text: string): string => {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > 50 ? `${line.slice(0, 49)}…` : line;
};

/** What formatting changes, as small edits, so that cursors and folds stay; none for a text with mistakes. */
export function formatEdits(source: Source): readonly Edit[] {
  const { text, diagnostics } = format(source);
  if (diagnostics.some(isError) || text === source.text) return [];
  const [before, after] = [tokensOf(source.text), tokensOf(text)];
  const isSame =
    before.length === after.length && before.every((token, index) => token.text === after[index]!.text);
  return isSame
    ? gapEdits(source, before, { text, tokens: after })
    : [{ span: { source, start: 0, end: source.text.length }, text }];
}

const tokensOf = (text: string): readonly Token[] => tokenize(text).filter(({ kind }) => kind !== "newline");

/** The blanks between tokens where they differ. */
function gapEdits(
  source: Source,
  before: readonly Token[],
  after: { readonly text: string; readonly tokens: readonly Token[] },
): readonly Edit[] {
  const edits: Edit[] = [];
  for (let index = 0; index <= before.length; index++) {
    const span = {
      source,
      start: before[index - 1]?.end ?? 0,
      end: before[index]?.start ?? source.text.length,
    };
    const text = after.text.slice(
      after.tokens[index - 1]?.end ?? 0,
      after.tokens[index]?.start ?? after.text.length,
    );
    if (spanText(span) !== text) edits.push({ span, text });
  }
  return edits;
}
