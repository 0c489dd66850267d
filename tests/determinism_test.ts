import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  decode,
  diffuse,
  encodeText,
  type Frames,
  type OpenOptions,
  pipe,
  type RunOptions,
} from "../mod.ts";
import { assertNothingOpen } from "./_sluice.ts";

const TEXT = "a red ball bounces on a green floor";

type DiffuseOptions = Parameters<typeof diffuse>[0];

function pictures(options: DiffuseOptions) {
  return pipe(encodeText(), diffuse(options), decode());
}

/** All pictures of a run, one after the other. */
function joined(chunks: readonly Frames[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of chunks) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

interface Making {
  readonly seed?: number;
  readonly options?: DiffuseOptions;
  readonly open?: OpenOptions;
  readonly run?: RunOptions;
}

/** The pictures of a run on a pipeline of its own. */
async function make({ seed = 1, options, open: opening, run }: Making = {}): Promise<Uint8Array> {
  await using open = await pictures({ latentFrames: 6, ...options }).open(opening);
  return joined(await Array.fromAsync(open.run({ text: TEXT, seed }, run)));
}

/** Without the lines of a diff over a million bytes. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

Deno.test("a seed gives the same bytes twice, another seed others", async () => {
  const [first, again, other] = [await make(), await make(), await make({ seed: 2 })];
  assertEquals(first.length, 21 * 128 * 128 * 3);
  assert(same(first, again), "the same seed gave other pictures");
  assert(!same(first, other), "another seed gave the same pictures");
  assertNothingOpen();
});

Deno.test("1 and 2 threads give the same pictures but for rounding", async () => {
  const [one, two] = [await make({ open: { threads: 2 } }), await make({ open: { threads: 4 } })];
  assertEquals(one.length, two.length);
  const near = one.filter((value, i) => Math.abs(value - two[i]!) <= 1).length;
  assert(near >= 0.999 * one.length, `only ${100 * near / one.length}% of the values agree`);
});

Deno.test("a further run on an open pipeline is the same as the first", async () => {
  await using open = await pictures({ latentFrames: 6 }).open();
  const run = async (seed: number) => joined(await Array.fromAsync(open.run({ text: TEXT, seed })));
  const first = await run(1);
  // Another prompt and an early end between them leave nothing behind.
  for await (const _ of open.run({ text: "a blue square spins on a red floor", seed: 5 })) break;
  assert(same(first, await run(1)), "the second run differs from the first");
  assert(!same(first, await run(2)), "the seed of the prompt was not heard");
});

Deno.test("reading ahead changes nothing in the pictures", async () => {
  const [none, one, two] = [
    await make({ run: { readAhead: 0 } }),
    await make({ run: { readAhead: 1 } }),
    await make({ run: { readAhead: 2 } }),
  ];
  assert(same(none, one) && same(one, two));
});

Deno.test("the generator of the noise and the option's seed choose the pictures", async () => {
  const seeded = await make({ options: { seed: 7 }, seed: 1 });
  assert(same(seeded, await make({ seed: 1 })), "the prompt's seed comes before the option's");
  const mt19937 = await make({ options: { noise: "mt19937" } });
  assert(!same(seeded, mt19937));
});

Deno.test("an endless run gives the same chunks each time, and ends when it is left", async () => {
  await using open = await pictures({ latentFrames: 0, window: 6 }).open();
  const begin = async () => {
    const chunks: Frames[] = [];
    for await (const frames of open.run({ text: TEXT, seed: 1 })) {
      chunks.push(frames);
      if (chunks.length === 4) break;
    }
    return chunks;
  };
  const chunks = await begin();
  assertEquals(chunks.map(({ index, first, last }) => [index, first, last]), [
    [0, 0, false],
    [1, 9, false],
    [2, 21, false],
    [3, 33, false],
  ]);
  assert(same(joined(chunks), joined(await begin())), "the same seed gave other pictures");
});

Deno.test("a run of one chunk gives 9 pictures", async () => {
  await using open = await pictures({ latentFrames: 3 }).open();
  const chunks = await Array.fromAsync(open.run({ text: TEXT, seed: 1 }));
  assertEquals(chunks.map(({ shape, last }) => [...shape, last]), [[9, 128, 128, 3, true]]);
});

Deno.test("a run longer than its window keeps its sink, whatever the sink's size", async () => {
  const runs = [];
  for (const sink of [0, 1, 2, 3]) {
    const bytes = await make({ options: { latentFrames: 15, window: 7, sink } });
    assertEquals(bytes.length, 57 * 128 * 128 * 3);
    runs.push(bytes);
  }
  // Until the window is full nothing is forgotten; from then on the sink makes a difference.
  const full = 21 * 128 * 128 * 3;
  for (const [sink, bytes] of runs.entries()) {
    assert(same(bytes.subarray(0, full), runs[0]!.subarray(0, full)), `sink ${sink}`);
    if (sink > 0) assertNotEquals(same(bytes, runs[0]!), true, `sink ${sink} changes nothing`);
  }
  assertNothingOpen();
});
