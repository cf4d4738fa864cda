#!/usr/bin/env node
import { processOut } from "./out.ts";
import { runProgram } from "./program.ts";

process.exitCode = await runProgram(process.argv.slice(2), processOut());
