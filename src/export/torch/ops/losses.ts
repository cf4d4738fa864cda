import type { NodeOf } from "../../../ir/graph.ts";
import { atom, number, type Expression } from "../python.ts";
import type { Site, TorchTable } from "../site.ts";

function crossEntropy(
  { operands: { logits, targets }, attrs }: NodeOf<"cross_entropy">,
  site: Site,
): Expression {
  return atom(
    `F.cross_entropy(${crossEntropyParts(site.atom(logits), site.atom(targets), logits.type.shape.length, attrs)})`,
  );
}

/** The operands as torch takes them, rows after rows, and how it is smoothed and what it passes over. */
export function crossEntropyParts(
  logits: string,
  targets: string,
  rank: number,
  { smoothing, ignore }: NodeOf<"cross_entropy">["attrs"],
): string {
  const flat = rank === 2 ? [logits, targets] : [`${logits}.flatten(0, -2)`, `${targets}.flatten()`];
  const more = [
    ...(smoothing === 0 ? [] : [`label_smoothing=${number(smoothing)}`]),
    ...(ignore === undefined ? [] : [`ignore_index=${ignore}`]),
  ];
  return [...flat, ...more].join(", ");
}

function accuracy(
  { operands: { logits, targets }, attrs: { ignore } }: NodeOf<"accuracy">,
  site: Site,
): Expression {
  const right = `(${site.atom(logits)}.argmax(-1) == ${site.atom(targets)}).float()`;
  if (ignore === undefined) return atom(`${right}.mean()`);
  return atom(`${right}[${site.atom(targets)} != ${ignore}].mean()`);
}

export const losses: Pick<TorchTable, "cross_entropy" | "mean_squared_error" | "accuracy"> = {
  cross_entropy: crossEntropy,
  mean_squared_error: ({ operands: { x, y } }, site) => atom(`F.mse_loss(${site.read(x)}, ${site.read(y)})`),
  accuracy,
};
