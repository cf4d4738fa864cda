import type { Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { listWords } from "../../support/text.ts";
import { sameDim } from "../../tensor/dim.ts";
import { showType } from "../../tensor/type.ts";
import { isNorm, isScalarNode, type RowNorm } from "../facts.ts";
import type { Uses } from "../uses.ts";
import { refuse, type Refusal } from "./reasons.ts";

/** The norms of one sum that share its statistics, and those that cannot. */
export interface Readers {
  readonly norms: readonly RowNorm[];
  readonly refused: readonly { readonly norm: Node; readonly refusal: Refusal }[];
}

/** What the fusion knows of the nodes and values around a sum. */
export interface Surroundings {
  /** Made before the sum, or at load: a kernel in the sum's place can read it. */
  readonly isEarly: (value: Value) => boolean;
  /** Another kernel has the node already. */
  readonly isTaken: (node: Node) => boolean;
}

/** The norms that read `sum`, grouped by the first that can join the kernel. */
export function matchReaders(sum: Value, uses: Uses, { isEarly, isTaken }: Surroundings): Readers {
  const norms: RowNorm[] = [];
  const refused: { norm: Node; refusal: Refusal }[] = [];
  for (const norm of uses.readers(sum)) {
    if (norm.op === "batch_norm" && norm.operands.x === sum)
      refused.push({ norm, refusal: refuse("not_last_axis", "batch_norm") });
    if (!isNorm(norm) || norm.operands.x !== sum) continue;
    if (isTaken(norm)) {
      refused.push({ norm, refusal: refuse("norm_taken", norm.op) });
      continue;
    }
    const [first] = norms;
    const late = Object.entries(affineOf(norm)).find(([, value]) => value !== undefined && !isEarly(value));
    if (late !== undefined) refused.push({ norm, refusal: refuse("late_weight", late[0]) });
    else if (first !== undefined && statistics(first) !== statistics(norm))
      refused.push({
        norm,
        refusal: refuse("statistics_differ", `${statistics(first)}, not ${statistics(norm)}`),
      });
    else norms.push(norm);
  }
  return { norms, refused };
}

/** The norm's parameters, by name. */
export const affineOf = (
  norm: RowNorm,
): { readonly weight: Value | undefined; readonly bias: Value | undefined } =>
  norm.op === "l2_norm"
    ? { weight: undefined, bias: undefined }
    : { weight: norm.operands.weight, bias: norm.operands.bias };

/** Kind, epsilon and rounding: norms that agree in these differ by their affine part only. */
function statistics(norm: RowNorm): string {
  const eps = `eps ${norm.attrs.eps}`;
  if (norm.op !== "rms_norm") return `${norm.op} ${eps}`;
  const offset = norm.attrs.unit_offset ? ", unit offset" : "";
  return `${norm.op} ${eps}${offset}, cast ${norm.attrs.cast}`;
}

/** Why no norm reads the sum itself: by the first reader that leads to one, or by what reads it instead. */
export function whyNoNorm(sum: Value, uses: Uses): Refusal {
  const readers = uses.readers(sum);
  for (const reader of readers) {
    const result = reader.results[0]!;
    const next = uses.readers(result).find((node) => isNorm(node) && node.operands.x === result);
    if (next !== undefined) {
      const between = refuseBetween(reader, sum, result);
      if (between !== undefined) return between;
    }
  }
  if (readers.length === 0)
    return uses.isOutput(sum) ? refuse("no_norm", "it is an output") : refuse("unread");
  const names = [...new Set(readers.map((node) => node.op))];
  return refuse("no_norm", `${listWords(names)} ${names.length === 1 ? "reads" : "read"} it`);
}

/** Why a norm that reads `result`, made from the sum by `node`, cannot join. */
function refuseBetween(node: Node, sum: Value, result: Value): Refusal | undefined {
  if (node.op === "cast") return refuse("dtype", `${sum.type.dtype} to ${result.type.dtype}`);
  const isMove = node.op === "reshape" || node.op === "permute" || node.op === "slice";
  if (isMove && !sameDim(sum.type.shape.at(-1), result.type.shape.at(-1)))
    return refuse("width_mismatch", `${showType(sum.type)} against ${showType(result.type)}`);
  return isMove || isScalarNode(node) ? refuse("in_between", node.op) : undefined;
}

/** Why a norm of an edge reads no sum that it could join. */
export function whyNoSum(norm: Node, uses: Uses): Refusal {
  const [x] = operandValues(norm);
  const producer = x === undefined ? undefined : uses.producer(x);
  if (x === undefined || producer === undefined) return refuse("no_sum", "an input");
  const [from] = operandValues(producer);
  const above = from === undefined ? undefined : uses.producer(from);
  const between = above?.op === "add" && from !== undefined ? refuseBetween(producer, from, x) : undefined;
  return between ?? refuse("no_sum", `the result of ${producer.op}`);
}
