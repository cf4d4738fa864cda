import { nameOfOption } from "../command-line.ts";
import { trainOptions, type TrainOptions } from "./options.ts";

/** What an option was given; true for one that takes nothing. */
export type GivenOption = string | readonly string[] | true;

/** The options that were given, by name: defaults are left out. */
export function givenOptions(options: TrainOptions): Readonly<Record<string, GivenOption>> {
  const all = options as unknown as Readonly<Record<string, GivenOption | undefined>>;
  return Object.fromEntries(
    trainOptions.flatMap((option) => {
      const name = nameOfOption(option);
      const found = all[name];
      return found === undefined || found === option.default ? [] : [[name, found] as const];
    }),
  );
}

/** The line to type for these options, defaults left out. */
export function commandLine(path: string, options: TrainOptions): string {
  const words = Object.entries(givenOptions(options)).flatMap(([name, found]) => {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (found === true) return [flag];
    return (typeof found === "string" ? [found] : found).flatMap((each) => [flag, each]);
  });
  return ["lmg", "train", path, ...words].map(quoted).join(" ");
}

/** As a POSIX shell takes it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
