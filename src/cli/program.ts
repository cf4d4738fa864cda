import { Command as Commander, CommanderError, InvalidArgumentError, Option } from "commander";
import { Problem } from "../checkpoint/problem.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import { InternalError } from "../support/invariant.ts";
import type { Command, OptionSpec } from "./command.ts";
import { commands, type CommandEntry } from "./commands.ts";
import type { Out } from "./out.ts";
import { mistakesIn, showDiagnostics, writeProblems } from "./stop.ts";

/** How a run of the command line ended: 0 well, 1 by a mistake of the user, 2 by a bug of ours. */
export type ExitCode = 0 | 1 | 2;

/** Runs the command line on its arguments (without `node` and the script). Never throws. */
export async function runProgram(args: readonly string[], streams: Out): Promise<ExitCode> {
  const { out, answered } = watched(streams);
  try {
    const program = await buildProgram(args, out);
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    const { code, diagnostics } = reportFailure(error, out);
    // Whoever asked for JSON gets it in every case; a command that could answer has said what is wrong in its answer.
    if (code !== 0 && asksForJson(args) && !answered()) writeProblems(diagnostics, streams);
    return code;
  }
}

/** What a command writes, and whether it has written an answer. */
function watched(out: Out): { readonly out: Out; readonly answered: () => boolean } {
  let answered = false;
  const write = (text: string): void => {
    answered = true;
    out.write(text);
  };
  return { out: { ...out, write }, answered: () => answered };
}

/** True if the answer is to be JSON, also where the arguments cannot be read. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  return options.some(
    (option, index) =>
      option === "--json" ||
      option === "--format=json" ||
      (option === "--format" && options[index + 1] === "json"),
  );
}

interface Failure {
  readonly code: ExitCode;
  readonly diagnostics: readonly Diagnostic[];
}

/** Says on standard error what went wrong; commander has done so. */
function reportFailure(error: unknown, out: Out): Failure {
  if (error instanceof CommanderError)
    return error.exitCode === 0
      ? { code: 0, diagnostics: [] }
      : { code: 1, diagnostics: [usageProblem(error)] };
  const mistakes = mistakesIn(error);
  if (mistakes !== undefined) {
    showDiagnostics(mistakes, out);
    return { code: 1, diagnostics: mistakes };
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const name = cause instanceof InternalError ? "" : `${cause.name}: `;
  const message = `${name}${cause.message}`;
  out.note(`lmg: ${message}\nthis is a bug in lmg, please report it\n`);
  if (process.env["LMG_DEBUG"] !== undefined) out.note(`${cause.stack ?? ""}\n`);
  return { code: 2, diagnostics: [new Problem("E900", message, "this is a bug in lmg, please report it")] };
}

/** `error: unknown option '--sett'\n(Did you mean --set?)` as a problem. */
function usageProblem({ message }: CommanderError): Problem {
  const [what, ...more] = message.replace(/^error: /, "").split("\n");
  const help = more.map((line) => line.replace(/^\((.*)\)$/, "$1")).join("; ");
  return new Problem("E800", what!, help === "" ? undefined : help);
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
  const flags = new Set(command.options.flatMap((option) => option.flags.match(/--?[a-z][\w-]*/g) ?? []));
  for (const option of command.options) commander.addOption(refusingFlags(toOption(option), flags));
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

/** An option without its value takes none from the next: commander would take the flag, and count its value as an argument. */
function refusingFlags(option: Option, flags: ReadonlySet<string>): Option {
  const parse = option.parseArg;
  if (!option.required) return option;
  return option.argParser((text: string, previous: unknown) => {
    if (flags.has(text)) throw new InvalidArgumentError(`${text} is an option: the value is missing.`);
    return parse === undefined ? text : parse<unknown>(text, previous);
  });
}
