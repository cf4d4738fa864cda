import { append } from "../../../support/lists.ts";
import type { Piece } from "./regions.ts";

/** Pieces whose labels all begin with one name and number. */
interface Iteration {
  readonly name: string;
  readonly index: number;
  /** Without that beginning. */
  readonly lines: readonly string[];
}

/** Lines of pieces, with iterations that are alike as one repeat. */
export function rolled(pieces: readonly Piece[]): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < pieces.length;) {
    const run = runFrom(pieces, at);
    if (run === undefined) {
      append(lines, pieces[at]!);
      at++;
    } else {
      append(lines, [`repeat ${run.count} as ${run.name} {`, ...run.lines, "}"]);
      at = run.end;
    }
  }
  return lines;
}

function runFrom(pieces: readonly Piece[], start: number) {
  const first = iterationFrom(pieces, start);
  if (first?.iteration.index !== 0) return undefined;
  const { name, lines } = first.iteration;
  const body = lines.join("\n");
  let [count, end] = [1, first.end];
  for (;;) {
    const next = iterationFrom(pieces, end);
    if (
      next?.iteration.name !== name ||
      next.iteration.index !== count ||
      next.iteration.lines.join("\n") !== body
    )
      break;
    count++;
    end = next.end;
  }
  return count < 2 ? undefined : { name, lines, count, end };
}

/** The pieces from one on that belong to one iteration. */
function iterationFrom(pieces: readonly Piece[], start: number) {
  const whose = start < pieces.length ? ownerOf(pieces[start]!) : undefined;
  if (whose === undefined) return undefined;
  let end = start;
  const lines: string[] = [];
  for (; end < pieces.length; end++) {
    const owner = ownerOf(pieces[end]!);
    if (owner?.name !== whose.name || owner.index !== whose.index) break;
    append(
      lines,
      pieces[end]!.map((line) => line.replaceAll(`${whose.name}.${whose.index}.`, "")),
    );
  }
  const iteration: Iteration = { ...whose, lines };
  return { iteration, end };
}

const labels = /(?<![\w.])((?:[A-Za-z_]\w*)(?:\.\w+)*): [a-z_0-9]+(?![\w]*:)/g;

/** The name and number that all labels of a piece begin with. */
function ownerOf(piece: Piece): { readonly name: string; readonly index: number } | undefined {
  const found = [...piece.join("\n").matchAll(labels)]
    .map(([, label]) => label!)
    .filter((label) => label.includes("."));
  const owners = found.map((label) => /^(.*?)\.(\d+)\./.exec(label));
  const [first] = owners;
  if (first === undefined || first === null) return undefined;
  const isSame = owners.every((owner) => owner !== null && owner[1] === first[1] && owner[2] === first[2]);
  return isSame ? { name: first[1]!, index: Number(first[2]) } : undefined;
}
