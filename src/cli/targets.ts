import { targetNames, targets, type Switches, type TargetName } from "../emit/targets.ts";
import { dawnAdapter } from "../run/dawn.ts";
import { engines, type EngineOfTarget } from "../run/engines.ts";
import { quote } from "../checkpoint/problem.ts";
import { listWords } from "../support/text.ts";
import { MOST_THREADS } from "../emit/wasm/map.ts";
import { parseNumber } from "./arguments.ts";
import type { OptionSpec } from "./command.ts";
import { orStop, stop } from "./stop.ts";

const switchesOf = (target: TargetName): (keyof Switches)[] =>
  Object.keys(targets[target].switches) as (keyof Switches)[];

/** `--f16-arithmetic` of `f16Arithmetic`: the flag of an option, by its name. */
export const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** All switches, each once. */
export const switchNames: readonly string[] = [...new Set(targetNames.flatMap(switchesOf))];

/** How targets write: options of every command that emits or runs them. */
export const switchOptions: readonly OptionSpec[] = targetNames.flatMap((target) =>
  switchesOf(target).map((name) => ({
    flags: flagOf(name),
    description: `${target}: ${targets[target].switches[name]!}`,
  })),
);

/** Which adapter of this machine runs targets that need a device. */
export interface DawnOptions {
  readonly dawn?: readonly string[];
}

export const dawnOption: OptionSpec = {
  flags: "--dawn <key=value>",
  description: `${targetNames.filter((target) => engines[target].needsDevice).join(", ")}: an option of the package webgpu, such as backend=vulkan or adapter=NAME`,
  repeated: true,
};

/** Of commands that run models on the CPU. */
export interface ThreadOptions {
  readonly threads?: string;
}

export const threadsOption: OptionSpec = {
  flags: "--threads <count>",
  description: "wasm: in how many threads; as many as help if not given. It changes no bit",
};

/** As many as the command line says. */
export const threadsOf = ({ threads }: ThreadOptions): number | undefined =>
  threads === undefined ? undefined : orStop(parseNumber("--threads", threads, 1, MOST_THREADS, true));

/** What an engine is opened with, as the options of a command say it. */
export const engineOptionsOf = ({ dawn, threads, ...switches }: Switches & DawnOptions & ThreadOptions) => ({
  switches,
  adapter: dawnAdapter(dawn),
  threads: threadsOf({ ...(threads === undefined ? {} : { threads }) }),
});

/** What is run where nothing else is said. */
export const defaultTarget: TargetName = "wasm";

/** `--target`: which of them is run. */
export const runTargetOption = (more = ""): OptionSpec => ({
  flags: "--target <target>",
  description: `what to run${more}`,
  choices: targetNames,
  default: defaultTarget,
});

/** `JavaScript, or WebGPU shaders` */
export const whatRuns = targetNames.map((target) => engines[target].runs).join(", or ");

/** `ts, wgsl or both as ts,wgsl` */
export const severalTargets = (comma = ""): string =>
  `${targetNames.join(", ")}${comma} or ${targetNames.length === 2 ? "both" : "several"} as ${targetNames.join(",")}`;

/** The targets that an option names, each once. */
export function parseTargets(flag: string, text: string): readonly TargetName[] {
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  const unknown = names.find((name) => !isTarget(name));
  if (unknown !== undefined) stop("E841", `${flag} expects ${severalTargets()}, found ${quote(unknown)}`);
  return names.filter(isTarget);
}

const isTarget = (name: string): name is TargetName => targetNames.some((target) => target === name);

/** A form in which `lmg compile` writes a target. */
export interface WrittenForm {
  /** Those of this form, which differ by their kernels. */
  readonly targets: readonly TargetName[];
  readonly types: boolean;
}

/** The forms by the names that `lmg compile --target` takes. */
export const writtenForms: ReadonlyMap<string, WrittenForm> = new Map(
  targetNames.flatMap((target): (readonly [string, WrittenForm])[] => {
    const { typed, plain } = targets[target].forms;
    const alike = targetNames.filter((other) => targets[other].forms.typed === typed);
    return [
      [typed, { types: true, targets: alike }],
      [plain, { types: false, targets: alike }],
    ];
  }),
);

/** The targets that `--kernels` chooses among. */
export const kernelNames: readonly TargetName[] = targetNames.filter((target) =>
  targetNames.some((other) => other !== target && targets[other].forms.typed === targets[target].forms.typed),
);

/**
 * Ends the command where an option is given that none of the chosen targets takes, so that none is passed over in silence.
 * `remedy` says what to add, by the target that takes it.
 */
export function requireTaken(
  options: Switches & DawnOptions & ThreadOptions,
  chosen: readonly TargetName[],
  remedy: (target: TargetName) => string = (target) => `give --target ${target} too`,
): void {
  const taken = new Set(chosen.flatMap(switchesOf));
  const given = [
    ...targetNames.flatMap((target) =>
      switchesOf(target)
        .filter((name) => options[name] === true && !taken.has(name))
        .map((name) => ({ flag: flagOf(name), target })),
    ),
    ...idleFlag("--dawn", (options.dawn ?? []).length > 0, chosen, ({ needsDevice }) => needsDevice),
    ...idleFlag("--threads", options.threads !== undefined, chosen, ({ hasThreads }) => hasThreads),
  ];
  const [first] = given;
  if (first === undefined) return;
  const flags = listWords(given.map(({ flag }) => flag));
  stop(
    "E822",
    `${flags} ${given.length === 1 ? "is" : "are"} for ${targets[first.target].writes}, and there are none here`,
    remedy(first.target),
  );
}

/** A flag that is given, with a target that takes it, if no chosen one does. */
function idleFlag(
  flag: string,
  isGiven: boolean,
  chosen: readonly TargetName[],
  takes: (engine: EngineOfTarget) => boolean,
): readonly { readonly flag: string; readonly target: TargetName }[] {
  const target = targetNames.find((name) => takes(engines[name]));
  if (!isGiven || target === undefined || chosen.some((name) => takes(engines[name]))) return [];
  return [{ flag, target }];
}
