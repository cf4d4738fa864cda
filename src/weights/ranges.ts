/** A range of elements, or rows, of one of several equally large parts that lie one behind the other. */
interface PartRange {
  readonly part: number;
  readonly first: number;
  readonly end: number;
}

/** The ranges of parts of `size` that are what lies from one up to another. */
export function partRanges(size: number, first: number, end: number): PartRange[] {
  const ranges: PartRange[] = [];
  for (let at = first; at < end;) {
    const part = Math.floor(at / size);
    const last = Math.min(end, (part + 1) * size);
    ranges.push({ part, first: at - part * size, end: last - part * size });
    at = last;
  }
  return ranges;
}
