import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import {
  type ChunkPlan,
  drawnNoise,
  type FewStepPass,
  h100,
  Mt19937,
  Mt19937Noise,
  type NoiseKind,
  normalSource,
  philox4x32,
  PhiloxNoise,
  type PhiloxWords,
} from "../../../engine/diffusion/mod.ts";
import { cosOf, logOf, sinOf } from "../../../engine/diffusion/_box_muller.ts";
import { difference } from "./_golden.ts";

Deno.test("philox4x32() gives Random123's known answers", () => {
  // `tests/kat_vectors` of github.com/DEShawResearch/random123, philox4x32 with 10 rounds.
  const cases: [number[], number[]][] = [
    [[0, 0, 0, 0, 0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [new Array(6).fill(0xffffffff), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  for (const [[c0, c1, c2, c3, k0, k1], expected] of cases) {
    // The counter is the last of three neighbours, so that all but the first go through the same
    // loop.
    const words = [0, 1, 2, 3].map(() => new Uint32Array(3)) as unknown as PhiloxWords;
    philox4x32(c0!, c1!, c2! - 2, c3!, k0!, k1!, words);
    assertEquals(words.map((word) => word[2]), expected);
  }
});

/** Values printed with four digits; a GPU's own sine is off by up to 1e-6. */
const printed = 6e-5;

Deno.test("PhiloxNoise draws what GPUs print for the same seed", () => {
  // github.com/pytorch/pytorch/issues/79496: any GPU.
  assertLessOrEqual(difference(new PhiloxNoise(10).normal(3), [-0.1029, 1.6810, -0.2708]), printed);

  // github.com/pytorch/pytorch/issues/143086: nine rounds of the generator, other values on an
  // A100.
  const count = 49 * 12 * 112 * 144;
  const printedOnH100 = new PhiloxNoise(1).normal(count);
  assertLessOrEqual(difference(printedOnH100.subarray(0, 3), [-0.2963, 2.6764, -0.1408]), printed);
  assertLessOrEqual(difference(printedOnH100.subarray(-3), [-0.6970, -0.7780, 0.3267]), printed);
  const a100 = new PhiloxNoise(1, { multiprocessors: 108, threadsPerMultiprocessor: 2048 })
    .normal(count);
  assertLessOrEqual(difference(a100.subarray(0, 3), [-0.2963, 2.6764, -0.1408]), printed);
  assertLessOrEqual(difference(a100.subarray(-3), [0.1549, -0.6797, -0.1656]), printed);

  // github.com/pytorch/pytorch/issues/97097: RTX A4000, mean 5 and deviation √5, [1000, 100].
  const layout = { multiprocessors: 48, threadsPerMultiprocessor: 1536 };
  const a4000 = new PhiloxNoise(14, layout).normal(100_000).map((x) => 5 + Math.sqrt(5) * x);
  const rows: [number, number[]][] = [
    [0, [2.8731, 5.2727, 2.9889]],
    [97, [1.6853, 9.6331, 6.6319]],
    [99_700, [8.6297, 2.3137, 6.2596]],
    [99_900, [2.7337, 2.2106, 7.7815]],
    [99_997, [8.2207, 6.5395, 4.2604]],
  ];
  for (const [at, row] of rows) {
    assertLessOrEqual(difference(a4000.subarray(at, at + 3), row), printed, `${at}`);
  }
});

Deno.test("PhiloxNoise goes on behind an earlier draw by what one thread drew", () => {
  // Draws of four after `torch.manual_seed(42)`, as a reproduction of a `torch._foreach_sub` fault
  // prints them.
  const four = new PhiloxNoise(42);
  const successive = [
    [0.1940, 2.1614, -0.1721, 0.8491],
    [0.1391, -0.1082, -0.7174, 0.7566],
    [-0.5187, 1.2268, 0.6255, -0.9117],
    [-0.6974, -1.8688, -0.8832, -1.6627],
    [-1.2682, -0.0383, -0.1029, 1.4400],
    [1.4640, -0.3238, 0.7740, 1.5892],
  ];
  for (const draw of successive) assertLessOrEqual(difference(four.normal(4), draw), printed);

  // A draw of n values, n below the threads in flight, is the words 0 of subsequences 0 … n − 1;
  // the next draw is those of the next counter. A draw of three rounds moves the counter by three.
  const layout = { multiprocessors: 1, threadsPerMultiprocessor: 256 };
  const one = new PhiloxNoise(42, layout);
  const long = one.normal(256 * 4 * 2 + 1);
  const after = one.normal(5);
  const other = new PhiloxNoise(42, layout);
  const draws = [0, 1, 2, 3].map(() => other.normal(256));
  assertEquals(after, draws[3]!.subarray(0, 5));
  assertEquals(long.subarray(0, 256), draws[0]);
  assertEquals(long.subarray(1024, 1280), draws[1]);
  assertEquals(long[2048], draws[2]![0]);
  assertEquals(long.length, 2049);
});

Deno.test("PhiloxNoise.draw() gives any part of a draw, bit for bit, whenever it is made", () => {
  // Draws within one row of the grid, over several, and over several calls of the generator.
  const layouts = [h100, { multiprocessors: 1, threadsPerMultiprocessor: 256 }];
  for (const layout of layouts) {
    for (const count of [1, 5, 256, 1025, 40_000, 300_001]) {
      const whole = new PhiloxNoise(42, layout);
      const parts = new PhiloxNoise(42, layout);
      const [first, second] = [whole.normal(count), whole.normal(count)];
      const draws = [parts.draw(count), parts.draw(count)];
      for (const [i, expected] of [first, second].entries()) {
        const cuts = [0, 0.3, 0.31, 0.9, 1].map((share) => Math.floor(share * count));
        for (const at of [2, 0, 3, 1]) {
          const [begin, end] = [cuts[at]!, cuts[at + 1]!];
          assertEquals(draws[1 - i]!(0, 0).finish(), new Float32Array());
          assertEquals(draws[i]!(begin, end).finish(), expected.subarray(begin, end));
        }
      }
    }
  }
});

Deno.test("PhiloxDraft.advance() makes some values a turn, until none is left", () => {
  const draft = new PhiloxNoise(3).draw(100_000)(1000, 90_000);
  let turns = 1;
  while (draft.advance()) turns++;
  assertEquals(turns, 6);
  assertEquals(draft.advance(), false);
  assertEquals(draft.finish(), new PhiloxNoise(3).normal(100_000).subarray(1000, 90_000));
  const begun = new PhiloxNoise(3).draw(100_000)(1000, 90_000);
  assertEquals(begun.advance(), true);
  assertEquals(begun.finish(), draft.finish());
});

Deno.test("PhiloxNoise refuses a GPU without threads", () => {
  assertThrows(
    () => new PhiloxNoise(1, { multiprocessors: 0, threadsPerMultiprocessor: 2048 }),
    RangeError,
    "cannot draw as a GPU of 0 multiprocessors with 2048 threads: expected at least 1 and 256",
  );
});

Deno.test("Mt19937 gives the numbers of the reference implementation", () => {
  // The 10,000th output for seed 5489, as the C++ standard requires of std::mt19937
  // ([rand.predef]).
  const random = new Mt19937(5489);
  for (let i = 0; i < 9999; i++) random.next();
  assertEquals(random.next(), 4123659995);
});

Deno.test("Mt19937Noise draws what PyTorch draws on a CPU", () => {
  // torch 2.15.0, torch.randn(n, generator=torch.Generator().manual_seed(seed)), one draw after the
  // other.
  const seeds: [number, number[][]][] = [
    [42, [
      [0.3366904, 0.1288094, 0.2344624, 0.230333, -1.1228564],
      [-0.1863283, 2.2082014, -0.637997],
      // deno-fmt-ignore
      [1.6423169, -0.1595975, -0.4973975, 0.4395893, -0.7581311, 1.0783176, 0.8008006, 1.6806206, 1.2791244,
        1.2964228, 0.6104665, 1.3347378, -0.2316243, 0.0417595, -0.2515753, 0.8598585],
      // deno-fmt-ignore
      [-1.3846737, -0.8712361, -0.2233659, 1.7173615, -0.4879917, 1.1913691, -0.8140076, -0.7359928,
        -0.8371246, -0.92239, 1.8113178, 0.1605649, -0.0978069, 1.844594, -1.1845374, 1.3835493, -1.2024456,
        0.7078122, -1.0758859, 0.5356547],
      [-1.0156747],
    ]],
    // The upper half of a seed does not count.
    [123456789012, [
      [-0.6109422, -0.3390816, -0.3387562, 1.0420372, -0.2285364],
      [-1.0248593, 1.0152304, 0.5832735],
      // deno-fmt-ignore
      [-0.0579748, -0.6689495, 0.5969336, 1.2347478, 1.9617749, -0.723488, -0.6417907, 0.2721803, 0.0171567,
        -1.2034733, 0.7164917, 0.0706058, 1.8738787, -0.0177868, -0.6323167, 0.3728744],
    ]],
  ];
  for (const [seed, draws] of seeds) {
    const noise = new Mt19937Noise(seed);
    for (const draw of draws) {
      assertLessOrEqual(difference(noise.normal(draw.length), draw), 2e-6, `seed ${seed}`);
    }
  }
  const low = new Mt19937Noise(123456789012 % 2 ** 32);
  assertEquals(low.normal(20), new Mt19937Noise(123456789012).normal(20));

  // The same with seed 7 and 100,003 values: the last 16 are drawn anew.
  const long = new Mt19937Noise(7).normal(100_003);
  assertLessOrEqual(
    difference(long.subarray(0, 4), [-0.8201345, 0.3956312, 0.8989085, -1.3884039]),
    2e-6,
  );
  // deno-fmt-ignore
  const tail = [-0.609902, 0.0509693, 0.565246, -0.4179815, -0.8810493, 0.1051268, 1.3846078, 0.0019827,
    -0.0789362, 0.5162628, -0.75134, 0.4293619, -1.5734582, 1.6110246, -1.6826123, 1.0234663, 0.2698539,
    0.0696794, 0.492377, 0.7016039];
  assertLessOrEqual(difference(long.subarray(-20), tail), 2e-6);
});

for (const kind of ["philox", "mt19937"] as NoiseKind[]) {
  Deno.test(`normalSource("${kind}") is normal, and the same for the same seed only`, () => {
    const values = normalSource(kind, 3).normal(300_000);
    const moment = (power: number) => values.reduce((a, x) => a + x ** power, 0) / values.length;
    assertLessOrEqual(Math.abs(moment(1)), 0.01);
    assertLessOrEqual(Math.abs(moment(2) - 1), 0.01);
    assertLessOrEqual(Math.abs(moment(3)), 0.03);
    assertLessOrEqual(Math.abs(moment(4) - 3), 0.06);
    assertEquals(values.every(Number.isFinite), true);
    assertEquals(normalSource(kind, 3).normal(300_000), values);
    assertEquals(difference(normalSource(kind, 4).normal(300_000), values) > 1, true);
    assertEquals(normalSource(kind, 3).normal(0).length, 0);
  });
}

Deno.test("normalSource() refuses seeds that are none", () => {
  for (const seed of [-1, 1.5, NaN, 2 ** 53, -1n, 1n << 64n]) {
    assertThrows(
      () => normalSource("philox", seed),
      RangeError,
      `cannot seed the noise: expected a whole number from 0 to 2^53 − 1, got ${seed}`,
    );
  }
});

Deno.test("drawnNoise() draws a known run's beginning at once, an endless one's chunk by chunk", () => {
  const chunk = (index: number) => ({ index, frame: index * 2, frames: 2 }) as ChunkPlan;
  const pass = {} as FewStepPass;
  const size = 10;
  const known = drawnNoise(normalSource("mt19937", 1), size, 4);
  const reference = normalSource("mt19937", 1);
  const [whole, first, second] = [reference.normal(40), reference.normal(20), reference.normal(20)];
  assertEquals(known.initial(chunk(0)), whole.subarray(0, 20));
  assertEquals(known.renoise(chunk(0), pass), first);
  assertEquals(known.initial(chunk(1)), whole.subarray(20));
  assertEquals(known.renoise(chunk(1), pass), second);

  const endless = drawnNoise(normalSource("mt19937", 1), size, 0);
  const other = normalSource("mt19937", 1);
  for (let i = 0; i < 3; i++) {
    assertEquals(endless.initial(chunk(i)), other.normal(20));
    assertEquals(endless.renoise(chunk(i), pass), other.normal(20));
  }
});

Deno.test("drawnNoise() gives in drafts what it gives at once, whatever order they are finished in", () => {
  const chunk = (index: number) => ({ index, frame: index * 2, frames: 2 }) as ChunkPlan;
  const pass = {} as FewStepPass;
  for (const kind of ["philox", "mt19937"] as const) {
    for (const frames of [0, 4]) {
      const plain = drawnNoise(normalSource(kind, 1), 20_000, frames);
      const values = [0, 1].flatMap((
        i,
      ) => [plain.initial(chunk(i)), plain.renoise(chunk(i), pass)]);
      const drawn = drawnNoise(normalSource(kind, 1), 20_000, frames);
      const drafts = [0, 1].flatMap((i) => [
        drawn.draft!(chunk(i)),
        drawn.draft!(chunk(i), pass),
      ]);
      for (const i of [3, 0, 2, 1]) assertEquals(drafts[i]!.finish(), values[i], `${kind} ${i}`);
    }
  }
});

Deno.test("logOf(), sinOf() and cosOf() are the functions they stand for", () => {
  for (let i = 1; i <= 200_000; i++) {
    const u = i / 200_000;
    const angle = u * 2 * Math.PI;
    const error = Math.max(
      Math.abs(logOf(u) - Math.log(u)),
      Math.abs(sinOf(angle) - Math.sin(angle)),
      Math.abs(cosOf(angle) - Math.cos(angle)),
    );
    if (!(error < 1e-11)) assertEquals(error, 0, `at ${u}`);
  }
  assertEquals(logOf(1), 0);
  for (const power of [-24, -33, -53]) {
    assertLessOrEqual(Math.abs(logOf(2 ** power) - power * Math.LN2), 1e-13);
  }
});
