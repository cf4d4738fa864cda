import type { EmittedTensors } from "../../src/emit/emitted.ts";
import { targets } from "../../src/emit/targets.ts";
import type { Decoding } from "../../src/incremental/program.ts";
import { planProgram } from "../../src/plan/build.ts";
import { openSessions, type SessionModel } from "../../src/run/sessions.ts";
import type { DecodingPart, OpenParts } from "../../src/session/model.ts";
import { cpuTargets, instantiate } from "../emit/cpu.ts";

/** WebAssembly of the machine that runs the tests, for which their programs are derived. */
export const wasm = targets.wasm.target({});

/** What opens a decoding program with weights, in one thread: each of its parts by itself, or sessions. */
interface Runner {
  readonly parts: (decoding: Decoding, weights: EmittedTensors) => Promise<OpenParts>;
  readonly sessions: (decoding: Decoding, weights: EmittedTensors) => Promise<SessionModel>;
}

export const runners: Readonly<Record<string, Runner>> = Object.fromEntries(
  cpuTargets.map((cpu): [string, Runner] => [
    cpu.name,
    {
      sessions: (decoding, weights) => openSessions(decoding, weights, { target: cpu.engine, threads: 1 }),
      parts: async ({ program }, weights) => {
        const module = await instantiate<DecodingPart>(cpu, planProgram(program, { target: cpu.target }));
        return async (dims) => {
          const model = await module.createModel(weights, { dims, threads: 1 });
          return {
            run: (part, inputs, said) => model[part](inputs, said),
            readState: () => model.readState(),
            writeState: (state) => model.writeState(state),
            close: model.close,
          };
        };
      },
    },
  ]),
);
