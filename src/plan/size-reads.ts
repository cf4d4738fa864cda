import type { TensorType } from "../tensor/type.ts";
import type { PlanPart } from "./plan.ts";

/** Where a run-time dim is read: the axis of an input. */
export interface SizeRead {
  readonly symbol: PlanPart["symbols"][number];
  readonly input: string;
  readonly type: TensorType;
  readonly axis: number;
}

/** A run-time dim is read where it first stands alone in the shape of an input; inputs that must be there go first. */
export function sizeReads({ inputs, symbols }: Pick<PlanPart, "inputs" | "symbols">): readonly SizeRead[] {
  const reads = new Map<string, SizeRead>();
  const required = inputs.filter(({ fill }) => fill === undefined);
  for (const { name, type } of [...required, ...inputs.filter((input) => !required.includes(input))])
    type.shape.forEach((size, axis) => {
      const symbol = symbols.find((candidate) => candidate.name === size.key);
      if (symbol !== undefined && !reads.has(symbol.name))
        reads.set(symbol.name, { symbol, input: name, type, axis });
    });
  return [...reads.values()];
}
