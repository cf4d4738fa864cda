#!/usr/bin/env node
import v8 from "node:v8";
import { processOut } from "./out.ts";
import { runProgram } from "./program.ts";

// What a compiler makes dies young: a nursery that grows with it takes a hundred megabytes, and saves no time.
v8.setFlagsFromString("--semi-space-growth-factor=1");

process.exitCode = await runProgram(process.argv.slice(2), processOut());
