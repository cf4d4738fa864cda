/** A range of a text to be filled with one character. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly fill: string;
}

/** The text with all edits made, as long as before. Where edits overlap, the one that starts first wins. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let done = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const start = Math.max(done, edit.start);
    if (edit.end <= start) continue;
    parts.push(text.slice(done, start), edit.fill.repeat(edit.end - start));
    done = edit.end;
  }
  parts.push(text.slice(done));
  return parts.join("");
}
