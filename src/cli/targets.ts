import { targetNames, targets, type Switches, type TargetName } from "../emit/targets.ts";
import { dawnAdapter } from "../run/dawn.ts";
import { engines } from "../run/engines.ts";
import { listWords } from "../support/text.ts";
import type { OptionSpec } from "./command.ts";
import { stop } from "./stop.ts";

const switchesOf = (target: TargetName): (keyof Switches)[] =>
  Object.keys(targets[target].switches) as (keyof Switches)[];

/** `--f16-arithmetic` of `f16Arithmetic`. */
const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

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

/** What an engine is opened with, as the options of a command say it. */
export const engineOptionsOf = ({ dawn, ...switches }: Switches & DawnOptions) => ({
  switches,
  adapter: dawnAdapter(dawn),
});

/** What is run where nothing else is said. */
export const defaultTarget: TargetName = "ts";

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

/** A form in which `lmg compile` writes a target. */
export interface WrittenForm {
  readonly target: TargetName;
  readonly types: boolean;
}

/** The forms by the names that `lmg compile --target` takes. */
export const writtenForms: ReadonlyMap<string, WrittenForm> = new Map(
  targetNames.flatMap((target): (readonly [string, WrittenForm])[] => {
    const { typed, plain } = targets[target].forms;
    return [
      [typed, { target, types: true }],
      [plain, { target, types: false }],
    ];
  }),
);

/**
 * Ends the command where an option is given that none of the chosen targets takes, so that none is passed over in silence.
 * `remedy` says what to add, by the target that takes it.
 */
export function requireTaken(
  options: Switches & DawnOptions,
  chosen: readonly TargetName[],
  remedy: (target: TargetName) => string = (target) => `give --target ${target} too`,
): void {
  const taken = new Set(chosen.flatMap(switchesOf));
  const idle = targetNames.flatMap((target) =>
    switchesOf(target)
      .filter((name) => options[name] === true && !taken.has(name))
      .map((name) => ({ flag: flagOf(name), target })),
  );
  const device = targetNames.find((target) => engines[target].needsDevice);
  const isIdle = (options.dawn ?? []).length > 0 && !chosen.some((target) => engines[target].needsDevice);
  const given = [...idle, ...(isIdle && device !== undefined ? [{ flag: "--dawn", target: device }] : [])];
  const [first] = given;
  if (first === undefined) return;
  const flags = listWords(given.map(({ flag }) => flag));
  stop(
    "E822",
    `${flags} ${given.length === 1 ? "is" : "are"} for ${targets[first.target].writes}, and there are none here`,
    remedy(first.target),
  );
}
