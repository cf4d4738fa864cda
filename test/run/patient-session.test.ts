import { expect, test } from "vitest";
import { PatientSession } from "../../src/run/patient-session.ts";
import type { TextSession } from "../../src/session/generate.ts";

/** A session that keeps what it was asked for. */
function listed(capacity: number) {
  const asked: (readonly [what: string, count: number])[] = [];
  const read: number[] = [];
  const session = {
    form: { limit: 1000 },
    get tokens() {
      return read;
    },
    get length() {
      return read.length;
    },
    capacity,
    truncate: () => Promise.resolve(),
    reserve: (count: number) => {
      asked.push(["reserve", count]);
      session.capacity = count;
      return Promise.resolve();
    },
    append: (tokens: readonly number[]) => {
      asked.push(["append", tokens.length]);
      read.push(...tokens);
      return Promise.resolve({ read: read.length });
    },
  };
  return { asked, session: session as unknown as TextSession };
}

const ids = (count: number): readonly number[] => Array.from({ length: count }, (_, id) => id);

test("a signal that fires by a message ends the reading of a prompt after the run that goes on", async () => {
  const { asked, session } = listed(1000);
  const patient = new PatientSession(session);
  const abort = new AbortController();
  const reading = patient.append(ids(600), { signal: abort.signal });
  setImmediate(() => {
    setImmediate(() => {
      abort.abort(new Error("enough"));
    });
  });
  await expect(reading).rejects.toThrow("enough");
  expect(patient.length).toBeGreaterThan(0);
  expect(patient.length).toBeLessThan(600);
  expect(asked.every(([what, count]) => what === "append" && count === 128)).toBe(true);
  expect(await patient.append(ids(200), { signal: new AbortController().signal })).toEqual({
    read: patient.length,
  });
});

test("without a signal a prompt is read at once", async () => {
  const { asked, session } = listed(1000);
  await new PatientSession(session).append(ids(600));
  expect(asked).toEqual([["append", 600]]);
});

test("memory doubles where a text needs more, up to what there may be", async () => {
  const { asked, session } = listed(10);
  const patient = new PatientSession(session, 50);
  expect(patient.capacity).toBe(50);
  for (const count of [10, 1, 20]) await patient.append(ids(count));
  expect(asked).toEqual([
    ["append", 10],
    ["reserve", 22],
    ["append", 1],
    ["reserve", 50],
    ["append", 20],
  ]);
  expect(new PatientSession(session).capacity).toBe(1000);
});
