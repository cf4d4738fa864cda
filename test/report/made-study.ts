import type { StudyReport } from "../../src/report/study.ts";
import { choicesOf, inOrder } from "../../src/study/grid.ts";
import { RESULT_FORMAT, type RunResult } from "../../src/study/result.ts";
import { summarize } from "../../src/study/summary.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { isObserved, type TelemetryColumn, type TelemetryRows } from "../../src/train/telemetry.ts";

/** How large a made-up study is. */
export interface StudySize {
  readonly variants: number;
  readonly depths: readonly number[];
  readonly rates: number;
  readonly seeds: number;
  readonly steps: number;
}

/** The study of `lmg study --help`: 3 placements at 2 depths, 5 rates, 3 seeds. */
export const studyOf90: StudySize = { variants: 3, depths: [8, 24], rates: 5, seeds: 3, steps: 300 };

/** A report of a study whose numbers are drawn, of the shape that `examples/depth.lmg` gives. */
export function madeStudy({ variants, depths, rates, seeds, steps }: StudySize): StudyReport {
  const random = new RandomStream(1, "study");
  const names = Array.from({ length: variants }, (_, index) => `variant${index}`);
  const sets = choicesOf([
    { name: "variant", values: names },
    { name: "depth", values: depths.map(String) },
  ]);
  const runs = inOrder(
    sets.flatMap((set) =>
      Array.from({ length: rates * seeds }, (_, index) => {
        const [rate, seed] = [1e-3 * 3 ** (index % rates), 1 + Math.floor(index / rates)];
        return { set, rate, seed, name: `${set["variant"]!}-${set["depth"]!}-${rate}-${seed}` };
      }),
    ),
  );
  const results = runs.map((run): RunResult => {
    const validation = 2.5 + random.uniform();
    const said = { steps, made: steps, stopped: null, frequencies: 3.34, alarm: null };
    return { format: RESULT_FORMAT, ...run, ...said, loss: { first: 4, last: validation }, validation };
  });
  const telemetry = new Map(
    runs.map(({ name, set }) => [name, madeTelemetry(Number(set["depth"]), steps, random)]),
  );
  const summary = summarize(["variant", "depth"], runs, results);
  return { title: "a study", command: "lmg study", summary, results, telemetry, settings: [] };
}

/** Measures of 2 edges a layer and one before them, and of 6 matrices a layer, at the steps that `--telemetry 10` looks at. */
function madeTelemetry(depth: number, steps: number, random: RandomStream): TelemetryRows {
  const edges = Array.from({ length: 2 * depth + 1 }, (_, index) => index);
  const columns = edges.flatMap((index): TelemetryColumn[] => {
    const isAttention = index % 2 === 1;
    const edge = `h.${Math.floor((index - 1) / 2)} edge ${index}`;
    const own = { edge, index, line: 80, branch: isAttention ? "attention" : "feed-forward" } as const;
    const measures = ["rms", "max", "gradient", "share", "cosine"] as const;
    const more = isAttention ? (["logit", "entropy"] as const) : (["idle"] as const);
    const matrices = (isAttention ? ["q", "k", "v", "o"] : ["fc1", "fc2"]).flatMap((weight) =>
      (["update", "weight"] as const).map((measure) => ({ ...own, measure, weight: `${edge}.${weight}` })),
    );
    return [...[...measures, ...more].map((measure) => ({ ...own, measure })), ...matrices];
  });
  const seen = Array.from({ length: steps }, (_, index) => index + 1).filter((step) => isObserved(step, 10));
  const rows = seen.map((step) =>
    Float32Array.from([step, ...columns.map(() => Math.exp(4 * random.uniform() - 2))]),
  );
  return { columns, rows };
}
