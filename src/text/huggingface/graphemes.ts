/** How much of a text is looked at at once, in UTF-16 units. */
const WINDOW = 256;

const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * The grapheme clusters of a text (UAX #29). In windows, since V8 takes a time that grows with the square of a text's
 * length; that a cluster ends is known by another one behind it, and where one ends all begins anew.
 */
export function* graphemesOf(text: string): Iterable<string> {
  let size = WINDOW;
  for (let start = 0; start < text.length;) {
    const isLast = start + size >= text.length;
    const clusters = Array.from(segmenter.segment(text.slice(start, start + size)), ({ segment }) => segment);
    const whole = isLast ? clusters : clusters.slice(0, -1);
    yield* whole;
    for (const cluster of whole) start += cluster.length;
    size = whole.length === 0 ? 2 * size : WINDOW;
  }
}
