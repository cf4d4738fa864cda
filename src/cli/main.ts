#!/usr/bin/env node
import module from "node:module";
import v8 from "node:v8";
import { processOut } from "./out.ts";

// What a compiler makes dies young: a nursery that grows with it takes a hundred megabytes, and saves no time.
v8.setFlagsFromString("--semi-space-growth-factor=1");
// Modules as they were compiled the last time; the Node that has no such cache goes without.
(module as { readonly enableCompileCache?: () => unknown }).enableCompileCache?.();

const { runProgram } = await import("./program.ts");

process.exitCode = await runProgram(process.argv.slice(2), processOut());
