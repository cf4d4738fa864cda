import type { Graph } from "../../src/ir/graph.ts";
import { opNames, recordOf, stageOf } from "../../src/ops/table.ts";
import { contracts } from "../../src/kernels/contracts.ts";
import { operandEntries, type Plan } from "../../src/plan/plan.ts";
import type { View } from "../../src/kernels/view.ts";

/** What a run has met: ops of graphs, kernels of plans, and results that lie over operands. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  graph({ nodes }: Graph): void {
    for (const { op } of nodes) this.#count(`op ${op}`);
  }

  plan({ steps, prepare, buffers }: Plan): void {
    const memoryOf = ({ buffer }: View): string => {
      const { home } = buffers[buffer]!;
      return home.kind === "slot"
        ? `slot ${home.slot}`
        : home.kind === "state"
          ? `state ${home.state}`
          : `own ${buffer}`;
    };
    for (const step of [...prepare, ...steps]) {
      this.#count(`kernel ${step.op}`);
      const results = new Set(step.results.map(memoryOf));
      const over = operandEntries(step).filter(({ view }) => results.has(memoryOf(view)));
      for (const name of new Set(over.map((entry) => entry.name)))
        this.#count(`place ${step.op} over ${name}`);
    }
  }

  /** How often each was met, and what was not; `trains` expects the kernels of training steps too. */
  lines(trains = false): string[] {
    const of = (kind: string): [string, number][] =>
      [...this.#counts].flatMap(([key, count]) =>
        key.startsWith(`${kind} `) ? [[key.slice(kind.length + 1), count]] : [],
      );
    const line = (what: string, kind: string, all: readonly string[]): string => {
      const met = of(kind).sort(([, a], [, b]) => b - a);
      const missing = all.filter((name) => !met.some(([each]) => each === name));
      const rest = missing.length === 0 ? "" : `; not met: ${missing.join(", ")}`;
      return `${met.length} ${what}: ${met.map(([name, count]) => `${name} ${count}`).join(", ")}${rest}`;
    };
    const training: readonly string[] = opNames.filter((op) => recordOf(op).kernel === "training");
    const kernels = Object.keys(contracts).filter((op) => trains || !training.includes(op));
    const places = kernels.flatMap((op) =>
      contracts[op as keyof typeof contracts].overwrites.map((name: string) => `${op} over ${name}`),
    );
    const ops = opNames.filter((op) => stageOf(op) === "core" && !training.includes(op));
    return [
      ...(trains ? [] : [line("ops of graphs", "op", ops)]),
      line("kernels of plans", "kernel", kernels),
      line("kinds of results over operands", "place", places),
    ];
  }

  #count(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}
