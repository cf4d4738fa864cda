import { trainOptions, type TrainOptions } from "./options.ts";

/** The line to type for these options, defaults left out. */
export function commandLine(path: string, options: TrainOptions): string {
  const given = options as unknown as Readonly<Record<string, unknown>>;
  const words = trainOptions.flatMap(({ flags, default: value }) => {
    const flag = /--[a-z-]+/.exec(flags)![0];
    const found = given[flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
    if (found === undefined || found === value) return [];
    return (Array.isArray(found) ? found : [found]).flatMap((each) => [flag, String(each)]);
  });
  return ["lmg", "train", path, ...words].map(quoted).join(" ");
}

/** As a POSIX shell takes it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
