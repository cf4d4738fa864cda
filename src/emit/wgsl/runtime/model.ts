import type { Code } from "../../../support/text.ts";
import { fragment } from "../../module/text.ts";

/** What of a module's own goes into the function that makes a model. */
export interface ModelParts {
  /** The parameter with its options. */
  readonly options: string;
  /** What finds the tensors of its parameters. */
  readonly match: string;
  /** Whether the model keeps a state itself, makes sessions that do, or neither. */
  readonly state: "own" | "sessions" | "none";
  readonly stateType: string;
  /** Lines that check the sizes of the state. */
  readonly fixed: readonly Code[];
  /** The functions of its parts, as members of a model. */
  readonly runs: readonly string[];
  /** Those of a session's parts, and what makes sessions as members of a model. */
  readonly sessionRuns: readonly string[];
  readonly sessions: readonly string[];
  /** What tells of a session's logits where they lie, as a member of its state. */
  readonly picks: readonly Code[];
}

/** What makes a model of shaders and weights, and runs it; with state if the plan keeps some. */
export const createRuntime = (given: ModelParts): Code[] => [
  ...opening,
  `export async function createModel(device«: GPUDevice», source«: WeightSource | StreamedSource», ${given.options})«: Promise<Model>» {`,
  [
    ...making[given.state](given),
    "return {",
    [
      ...given.runs,
      ...(given.state === "own" ? keeping(given.stateType) : given.sessions),
      "destroy: () => runner.destroy(),",
    ],
    "};",
  ],
  "}",
];

const opening = fragment`
  /**
   * The model with its weights on the device. Throws WeightsError for weights that do not fit the model, DeviceError for a
   * device that cannot run it.
   */
`;

const making: Readonly<Record<ModelParts["state"], (parts: ModelParts) => Code[]>> = {
  none: ({ match }) => [`const runner = new Runner(await load(device, ${match}, options));`],
  own: ({ fixed, match }) => [
    ...fixed,
    `const tensors = ${match};`,
    "const runner = new Runner(await load(device, tensors, options));",
    "const kept = await runner.begin(stateTensors(fixed), tensors);",
  ],
  sessions: ({ fixed, match, sessionRuns, picks }) => [
    `const tensors = ${match};`,
    "const samples = samplesOf(tensors);",
    "const loaded = await load(device, tensors, options, (name, first, elements) => samples.get(name)«!».see(first, elements));",
    "const form = formWith(samples);",
    "const runner = new Runner(loaded);",
    "const runners = new WeakMap«<PartsModel, Runner>»();",
    "/** The state of a session, and what runs on it. */",
    "const openState = async (sizes«: StateSizes»)«: Promise<PartsModel>» => {",
    [
      ...fixed,
      "const runner = new Runner(loaded);",
      "const kept = await runner.begin(stateTensors(fixed), new Map());",
      "const runs = {",
      sessionRuns,
      "};",
      "const model«: PartsModel» = {",
      [
        "run: (part, inputs, said) => runs[part« as keyof typeof runs»](inputs« as never», said« as never»)« as Promise<unknown> as Promise<StateTensors>»,",
        "readState: (names) => runner.readState(kept, names),",
        "writeState: (state) => runner.writeState(kept, state),",
        "memory: {",
        [
          "shapes: Object.fromEntries(kept.map(({ name, shape }) => [name, shape])),",
          "take: (other, moves) => runner.takeState(kept, runners.get(other)«!», moves),",
        ],
        "},",
        ...picks,
        "close: () => runner.destroy(),",
      ],
      "};",
      "runners.set(model, runner);",
      "return model;",
    ],
    "};",
  ],
};

const keeping = (type: string): string[] => [
  `readState: (names) => runner.readState(kept, names)« as Promise<Record<string, ${type}>>»,`,
  "writeState: (source) => runner.writeState(kept, source),",
];
