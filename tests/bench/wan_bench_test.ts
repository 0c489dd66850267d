import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseOptions, type WanBenchRequest } from "../../bench/_wan_options.ts";
import { webgpuIsHere } from "../_webgpu.ts";

const root = new URL("../..", import.meta.url);

interface Figures {
  readonly parts: readonly {
    readonly name: string;
    readonly fill?: number;
    readonly ms: number;
    readonly flops: number;
    readonly bytes: number;
    readonly kernels: number;
    readonly host?: boolean;
  }[];
  readonly ceilings: { readonly flops: number; readonly bytes: number };
  readonly memory: readonly { readonly name: string; readonly bytes: number }[];
  readonly summary: readonly { readonly decoder: string; readonly steady: number }[];
}

/** Runs the bench; gives what it printed and what it wrote. */
async function bench(...args: string[]): Promise<{ printed: string; figures: Figures }> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "bench/wan.bench.ts", ...args, "--runs", "1", "--json", json],
    cwd: root,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const figures = JSON.parse(await Deno.readTextFile(json)) as Figures;
  await Deno.remove(json);
  return { printed: new TextDecoder().decode(stdout), figures };
}

/** Rows of the tables, by their first cell. */
function rowsOf(printed: string): Map<string, string[]> {
  const rows = printed.split("\n").filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  return new Map(rows.map(([name = "", ...cells]) => [name, cells]));
}

const fills = [3, 6, 9, 12, 15, 18, 21];
const names = [
  "text's keys and values",
  ...fills.flatMap((fill) => [`denoise, ${fill} frames`, `cache pass, ${fill} frames`]),
  "noise of a chunk",
  "taew2.1: first piece",
  "taew2.1: chunk",
  "Wan VAE: first piece",
  "Wan VAE: chunk",
  "h264: chunk",
];

Deno.test("wan.bench.ts measures every part of the small configuration on the CPU", async () => {
  const { printed, figures } = await bench("--device", "cpu", "--small", "--threads", "2");
  const rows = rowsOf(printed);
  for (const name of names) {
    const ms = Number(rows.get(name)?.[0]);
    assert(ms > 0 && Number.isFinite(ms), `${name}: ${rows.get(name)}`);
  }
  assertStringIncludes(printed, "2 layers of 128, window 21, chunk 3, 4 steps");
  assertStringIncludes(printed, "A small configuration: these are no figures of the real one.");
  assertStringIncludes(printed, "Resident memory of the process with the transformer loaded");
  for (const decoder of ["taew2.1", "Wan VAE"]) {
    const [first, steady, clip] = rows.get(decoder)!.map(Number) as [number, number, number];
    // A clip's early chunks see less and are faster, but for the noise of a clock.
    assert(first > 0 && steady > 0 && clip > 0, `${decoder}: ${rows.get(decoder)}`);
  }

  const { parts, ceilings, memory } = figures;
  assertEquals(parts.length, names.length);
  assert(ceilings.flops > 0 && ceilings.bytes > 0);
  for (const { name, ms, flops, bytes, kernels, host } of parts) {
    assert(Number.isFinite(ms) && ms > 0, name);
    if (!host) assert(flops > 0 && bytes > 0 && kernels > 0, name);
  }
  for (const fill of fills) {
    const expected = passFlops(fill);
    const of = (stem: string) => parts.find((part) => part.name === stem && part.fill === fill)!;
    assertEquals(of("cache pass").flops, expected, `cache pass at ${fill}`);
    assertEquals(of("denoise").flops, 4 * expected, `denoise at ${fill}`);
    assertEquals(of("denoise").kernels, 4 * of("cache pass").kernels);
  }
  const bytesOf = (name: string) => memory.find((row) => row.name === name)!.bytes;
  // Keys and values of 2 layers, 21 frames of 4 × 6 tokens, 128 float32 each.
  assertEquals(bytesOf("transformer: key-value cache"), 2 * 2 * 21 * 24 * 128 * 4);
  assertEquals(bytesOf("transformer: weights"), 4 * parameterCount());
});

/** The small configuration's, counted by hand. */
const small = { dim: 128, ffn: 256, layers: 2, freq: 256, text: 64, textLen: 16, latent: 16 };

function passFlops(window: number): number {
  const { dim, ffn, layers, freq, textLen, latent } = small;
  const tokens = 3 * 24;
  const keys = window * 24 + textLen;
  const block = 6 * dim * dim + 2 * dim * ffn + 2 * keys * dim;
  const ends = 2 * 4 * latent * dim;
  return 2 * (tokens * (layers * block + ends) + freq * dim + 7 * dim * dim);
}

function parameterCount(): number {
  const { dim, ffn, layers, freq, text, latent } = small;
  const dense = (from: number, to: number) => from * to + to;
  const block = 8 * dense(dim, dim) + 4 * dim + dense(dim, ffn) + dense(ffn, dim) +
    2 * dim + 6 * dim;
  const time = dense(freq, dim) + dense(dim, dim) + dense(dim, 6 * dim);
  const words = dense(text, dim) + dense(dim, dim);
  const ends = dense(4 * latent, dim) + dense(dim, 4 * latent) + 2 * dim;
  return layers * block + time + words + ends;
}

Deno.test("wan.bench.ts runs in float16 and at another depth, and says so", async () => {
  const { printed, figures } = await bench(
    ...["--device", "cpu", "--small", "--precision", "float16", "--layers", "1"],
    ...["--parts", "transformer", "--fills", "3", "--window", "6"],
  );
  assertStringIncludes(printed, "Wan2.1-1.3B on cpu, float16");
  assertStringIncludes(printed, "1 layer of 128, window 6");
  assertEquals(figures.parts.map(({ name }) => name), [
    "text's keys and values",
    "denoise",
    "cache pass",
    "noise of a chunk",
  ]);
  const cache = figures.memory.find(({ name }) => name === "transformer: key-value cache")!;
  assertEquals(cache.bytes, 2 * 6 * 24 * 128 * 2);
});

Deno.test("wan.bench.ts runs on WebGPU with its tensors on the device", async () => {
  if (!await webgpuIsHere()) return;
  const { printed, figures } = await bench(
    ...["--device", "webgpu", "--small", "--layers", "1", "--height", "16", "--width", "16"],
    ...["--window", "3", "--batch", "1", "--parts", "transformer,taehv"],
  );
  assertStringIncludes(printed, "Wan2.1-1.3B on webgpu");
  assertEquals(figures.parts.map(({ name }) => name), [
    "text's keys and values",
    "denoise",
    "cache pass",
    "noise of a chunk",
    "taew2.1: first piece",
    "taew2.1: chunk",
  ]);
  assert(figures.parts.every(({ ms }) => ms > 0 && Number.isFinite(ms)));
  assertEquals(figures.summary.map(({ decoder }) => decoder), ["taew2.1"]);
});

Deno.test("wan.bench.ts --predict h100 reckons every part without a device", async () => {
  const { stdout, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "bench/wan.bench.ts", "--predict", "h100", "--precision", "float16"],
    cwd: root,
  }).output();
  assertEquals(code, 0);
  const printed = new TextDecoder().decode(stdout);
  assertStringIncludes(printed, "predicted, never measured");
  const rows = rowsOf(printed);
  let before = 0;
  for (const fill of fills) {
    const ms = Number(rows.get(`denoise, ${fill} frames`)?.[0]);
    assert(ms > before, `more to attend to takes longer: ${fill} frames, ${ms} ms`);
    before = ms;
  }
  // Two tenths of a peta-operation a second at the very best: no prediction may lie below.
  assert(before > 162e12 / 989e12 * 1000, `${before} ms`);
  assert(Number(rows.get("Wan VAE: chunk")![0]) > Number(rows.get("taew2.1: chunk")![0]));
});

function parsed(...args: string[]): WanBenchRequest {
  const request = parseOptions(args);
  if (request === "help") throw new TypeError("expected a request, got help");
  return request;
}

Deno.test("parseOptions() gives the real sizes on a GPU and the small ones on the CPU", () => {
  const gpu = parsed("--device", "cuda");
  const cpu = parsed();
  assertEquals([gpu.small, gpu.sizes.transformer.numLayers, gpu.sizes.width], [false, 30, 832]);
  assertEquals(gpu.fills, fills);
  assertEquals([cpu.small, cpu.sizes.transformer.numLayers, cpu.sizes.width], [true, 2, 96]);
  const full = parsed("--full", "--layers", "1", "--fills", "3,21");
  assertEquals([full.small, full.sizes.transformer.dim, full.fills], [false, 1536, [3, 21]]);
});

Deno.test("parseOptions() says what is wrong with the command line", () => {
  const wrong: readonly [args: string[], message: string][] = [
    [["--layers", "0"], "--layers: expected a whole number from 1, got 0"],
    [["--height", "100"], "--height: expected a multiple of 16 pixels, got 100"],
    [["--window", "20"], "--window: expected a multiple of the chunk of 3 latent frames, got 20"],
    [["--fills", "4"], "--fills: expected some of 3,6,9,12,15,18,21, got 4"],
    [
      ["--parts", "vae,audio"],
      "--parts: expected transformer or taehv or vae or encode, got audio",
    ],
    [["--precision", "bfloat16"], "--precision: expected auto or float32 or float16, got bfloat16"],
    [["--device", "tpu"], "cannot open device tpu: expected cpu, webgpu, cuda or cuda:n"],
  ];
  for (const [args, message] of wrong) assertThrows(() => parseOptions(args), Error, message);
});
