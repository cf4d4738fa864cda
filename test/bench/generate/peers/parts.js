// Loaded before lmg: says what memory the process has, by parts, when the first token behind a prompt is written.
import { readFileSync, writeSync } from "node:fs";
import v8 from "node:v8";

const write = process.stdout.write.bind(process.stdout);
let writes = 0;
process.stdout.write = (...given) => {
  // The prompt stands on the screen before it is read.
  if (++writes === 2) writeSync(2, `${JSON.stringify(partsNow())}\n`);
  return write(...given);
};

/** Bytes of each part that are in memory; all together are what the system counts. */
function partsNow() {
  const mappings = mappingsNow();
  const sum = (some) => some.reduce((total, { bytes }) => total + bytes, 0);
  const [wasm] = mappings.filter(({ name }) => name === "").sort((a, b) => b.bytes - a.bytes);
  const rest = mappings.filter((each) => each !== wasm);
  const isArena = ({ start }) => start % 2 ** 26 === 0;
  const files = rest.filter(({ name }) => name.startsWith("/"));
  const machine = rest.filter((each) => each.rights.includes("x") && !files.includes(each));
  const main = rest.filter(({ name }) => name === "[heap]");
  const arenas = rest.filter((each) => each.name === "" && isArena(each) && !machine.includes(each));
  const known = new Set([...files, ...machine, ...main, ...arenas]);
  const others = sum(rest.filter((each) => !known.has(each)));
  const heap = v8
    .getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !name.startsWith("code"))
    .reduce((total, { physical_space_size: bytes }) => total + bytes, 0);
  const arrays = process.memoryUsage().arrayBuffers;
  return {
    "WebAssembly: weights, states, what runs write": wasm.bytes,
    "pages of Node's program and libraries": sum(files),
    "V8's heap": heap,
    "machine code": sum(machine),
    "arrays outside: vocabulary, logits, parts of the file": arrays,
    "malloc of the first thread": sum(main),
    "malloc of other threads": sum(arenas),
    "the rest": others - heap - arrays,
    "at most, until then": peak(),
  };
}

function mappingsNow() {
  const found = [];
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    const head = /^([0-9a-f]+)-[0-9a-f]+ (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line);
    const size = /^Rss:\s*(\d+) kB$/.exec(line);
    if (head !== null) found.push({ start: parseInt(head[1], 16), rights: head[2], name: head[3], bytes: 0 });
    else if (size !== null) found.at(-1).bytes = 1024 * Number(size[1]);
  }
  return found;
}

const peak = () => 1024 * Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
