import type { OptionSpec } from "./command.ts";

/** The line that a command was given, options in the order of its list and defaults left out: `lmg train a.lmg --steps 5`. */
export function showCommandLine(
  command: string,
  args: readonly string[],
  specs: readonly OptionSpec[],
  options: object,
): string {
  const values = new Map<string, unknown>(Object.entries(options));
  const given = specs.flatMap((spec): string[] => {
    const long = /--([\w-]+)/.exec(spec.flags)![1]!;
    const flag = /^-\w(?=,)/.exec(spec.flags)?.[0] ?? `--${long}`;
    const isNegative = long.startsWith("no-");
    const value = values.get(camelCase(isNegative ? long.slice(3) : long));
    if (isNegative) return value === false ? [flag] : [];
    if (value === undefined || value === spec.default) return [];
    if (value === true) return [flag];
    return (Array.isArray(value) ? (value as unknown[]) : [value]).flatMap((one) => [flag, String(one)]);
  });
  return ["lmg", command, ...args, ...given].map(shellWord).join(" ");
}

/** As commander names the value of `--evaluate-every <steps>`: `evaluateEvery`. */
export const nameOfOption = ({ flags }: Pick<OptionSpec, "flags">): string =>
  camelCase(/--([\w-]+)/.exec(flags)![1]!);

const camelCase = (flag: string): string =>
  flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** A word as a POSIX shell takes it. */
const shellWord = (word: string): string =>
  /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
