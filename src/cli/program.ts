import { Command as Commander, CommanderError, Option } from "commander";
import { ProblemError } from "../checkpoint/problem.ts";
import { InternalError } from "../support/invariant.ts";
import type { Command, OptionSpec } from "./command.ts";
import { commands, type CommandEntry } from "./commands.ts";
import type { Out } from "./out.ts";
import { showDiagnostics, Stop } from "./stop.ts";

/** How a run of the command line ended: 0 well, 1 by a mistake of the user, 2 by a bug of ours. */
export type ExitCode = 0 | 1 | 2;

/** Runs the command line on its arguments (without `node` and the script). Never throws. */
export async function runProgram(args: readonly string[], out: Out): Promise<ExitCode> {
  try {
    const program = await buildProgram(args, out);
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    return reportFailure(error, out);
  }
}

function reportFailure(error: unknown, out: Out): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
  if (error instanceof Stop) {
    showDiagnostics(error.diagnostics, out);
    return 1;
  }
  if (error instanceof ProblemError) return reportFailure(new Stop([error.problem]), out);
  const cause = error instanceof Error ? error : new Error(String(error));
  const name = cause instanceof InternalError ? "" : `${cause.name}: `;
  out.note(`lmg: ${name}${cause.message}\nthis is a bug in lmg, please report it\n`);
  if (process.env["LMG_DEBUG"] !== undefined) out.note(`${cause.stack ?? ""}\n`);
  return 2;
}

const description = `Compiles declarative model files (.lmg): residual edges and norms in, fused execution plans out.`;

/** All commands with their summaries; only the one that is named is loaded, with what it needs. */
async function buildProgram(args: readonly string[], out: Out): Promise<Commander> {
  const program = new Commander("lmg")
    .description(description)
    .helpCommand("help [command]", "explain a command")
    .showHelpAfterError("(`lmg --help` lists the commands)");
  prepare(program, out);
  const asksVersion = args.includes("--version") || args.includes("-V");
  const version = asksVersion ? (await import("./version.ts")).version() : "";
  program.version(version, "-V, --version", "print the version");
  const [first, second] = args.filter((arg) => !arg.startsWith("-"));
  const named = first === "help" ? second : first;
  for (const [name, entry] of Object.entries(commands)) {
    const command = program.command(name).description(entry.summary);
    prepare(command, out);
    if (name === named) fill(command, name, await loadCommand(entry), out);
  }
  return program;
}

const loadCommand = async (entry: CommandEntry): Promise<Command> => (await entry.load()).command;

/** Commander writes through `out` and ends by throwing. */
function prepare(command: Commander, out: Out): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: out.write,
      writeErr: out.note,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showSuggestionAfterError()
    .helpOption("-h, --help", "explain the command");
}

function fill(commander: Commander, name: string, command: Command, out: Out): void {
  for (const argument of command.arguments) commander.argument(argument.name, argument.description);
  for (const option of command.options) commander.addOption(toOption(option));
  const examples = command.examples.map(([line, what]) => `  ${line}\n      ${what}`).join("\n");
  commander.addHelpText("after", `\nExamples:\n${examples}`);
  commander.showHelpAfterError(`(\`lmg ${name} --help\` explains it)`);
  commander.action(async (...given: unknown[]) => {
    const args = given.slice(0, command.arguments.length).flat() as (string | undefined)[];
    const options = given[command.arguments.length] as Record<string, unknown>;
    await command.run(
      args.filter((arg) => arg !== undefined),
      options,
      out,
    );
  });
}

function toOption({ flags, description, repeated, choices, default: value }: OptionSpec): Option {
  const option = new Option(flags, description);
  if (choices !== undefined) option.choices(choices);
  if (repeated === true)
    option.argParser((text: string, previous: string[] | undefined) => [...(previous ?? []), text]);
  if (value !== undefined) option.default(value);
  return option;
}
