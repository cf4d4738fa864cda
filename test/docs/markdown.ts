/** A fenced block of a page: what stands behind the fence (`lmg body`), its text, and the line of the fence. */
export interface CodeBlock {
  readonly info: string;
  readonly text: string;
  readonly line: number;
}

/** Every fenced block of a Markdown page, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { info: string; line: number; lines: string[] } | undefined;
  markdown.split("\n").forEach((line, index) => {
    const fence = /^```(.*)$/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { info: fence[1]!.trim(), line: index + 1, lines: [] };
    else {
      blocks.push({ info: open.info, text: open.lines.join("\n") + "\n", line: open.line });
      open = undefined;
    }
  });
  return blocks;
}

/** A command shown in a `console` block, with the output that stands under it. */
export interface ShownCommand {
  readonly command: string;
  readonly output: string;
  readonly line: number;
}

/** `$ command` lines and what follows each, up to the next. */
export function shownCommands(markdown: string): ShownCommand[] {
  return codeBlocks(markdown)
    .filter((block) => block.info === "console")
    .flatMap((block) =>
      block.text
        .split(/^\$ /m)
        .slice(1)
        .map((part) => {
          const [command, ...output] = part.split("\n");
          return { command: command!, output: output.join("\n").trimEnd(), line: block.line };
        }),
    );
}
