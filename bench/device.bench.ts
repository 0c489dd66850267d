/**
 * The first minutes on a real card: whether what it computes is right, check by check against the CPU in float32, and how
 * fast it is.
 *
 *     deno run -A bench/device.bench.ts --device cuda --json device.json
 *     deno run -A bench/device.bench.ts --device webgpu --quick
 *
 * Where to look first, by risk:
 *
 * 1. `copies` wrong: nothing else means anything. On CUDA a provider of another version, on WebGPU a driver.
 * 2. `cache in place` wrong: the card does not write ScatterND's output over its input, or a view of a tensor's
 *    beginning is none. Every chunk but the first is then noise.
 * 3. `attention`: MultiHeadAttention is flash attention or cuDNN's on a card, by its generation, type and head width, and
 *    has run on none yet. Where it is wrong and composed attention right, choose `attention: composed` and have
 *    `fusedAttentionWorks` ask that device.
 * 4. Float32 off by 1e-3 in `convolutions` or in a decoder: TF32 is on in spite of `use_tf32: 0`. Float16 convolutions as
 *    slow with `tf32: true` as with `tf32: false`: the tensor cores are not used.
 * 5. All right in float32 and wrong in float16: an island is missing, or the device sums in 16 bits.
 * 6. Operators right and a golden network wrong: fusions of the optimizer, or memory that is used twice. Run it again
 *    with `--only` and its name.
 * 7. After an illegal access everything behind fails with the same message: the first NO counts.
 *
 * `--help` lists the options. Ends with 1 where a check fails.
 */

import type { Precision } from "../engine/networks/mod.ts";
import { float16Works, fusedAttentionWorks } from "../engine/load/mod.ts";
import { type Device, DeviceUnavailableError, openDevice } from "../engine/runtime/mod.ts";
import { table } from "./_bench.ts";
import {
  type Bench,
  type Check,
  exitCodeOf,
  type Row,
  runChecks,
  summarize,
} from "./_device_check.ts";
import { deviceChecks } from "./_device_checks.ts";
import { cardMemory, type DeviceFacts, factsOf } from "./_device_facts.ts";
import { type DeviceBenchOptions, deviceHelp, parseDeviceOptions } from "./_device_options.ts";
import { printFacts, printRow, printSummary, printTitles } from "./_device_report.ts";
import { type Ceilings, measureCeilings } from "./_wan_ceilings.ts";

if (import.meta.main) {
  const options = parseDeviceOptions(Deno.args);
  if (options === "help") console.log(deviceHelp);
  else Deno.exit(await run(options).catch(refused));
}

/** Without the device there is nothing to check; other errors are faults of this file. */
function refused(error: unknown): 1 {
  if (!(error instanceof DeviceUnavailableError)) throw error;
  console.error(error.message);
  return 1;
}

/** What is written to the file. */
interface Figures {
  readonly options: DeviceBenchOptions;
  readonly facts?: DeviceFacts;
  readonly rows: Row[];
  /** Megabytes of the card in use `before` the first check, after each group, and when the device is `closed`. */
  readonly memory: Record<string, number>;
  readonly ceilings: Partial<Record<Precision, Ceilings>>;
  /** What `wan.bench.ts` wrote. */
  wan?: unknown;
}

async function run(options: DeviceBenchOptions): Promise<0 | 1> {
  const { threads, quick } = options;
  const device = await openDevice(options.device, { threads });
  const reference = await openDevice("cpu", { threads });
  const float16 = await float16Works(device);
  const attention = await fusedAttentionWorks(device) ? "fused" : "composed";
  const facts = await factsOf(device, { float16, attention });
  printFacts(facts);
  const bench: Bench = { device, reference, float16, attention, quick };
  const figures: Figures = { options, facts, rows: [], memory: {}, ceilings: {} };
  const checks = deviceChecks(bench, options.only);
  const stuck = await check(checks, bench, figures);
  if (!stuck) {
    if (options.only.length === 0) await ceilings(bench, facts, figures);
    await device[Symbol.asyncDispose]();
    await reference[Symbol.asyncDispose]();
    await remember(device, figures, "closed");
    if (options.wan) await wan(options, facts, figures);
  }
  printSummary(summarize(figures.rows), figures.memory);
  const code = exitCodeOf(figures.rows);
  console.log(
    code === 0 ? "\nAll right." : "\nNot right: see the rows that say NO, the first of them first.",
  );
  await write(figures);
  return code;
}

/** Group by group, so that the card's memory is seen between. */
async function check(checks: readonly Check[], bench: Bench, figures: Figures): Promise<boolean> {
  const { limit } = figures.options;
  await remember(bench.device, figures, "before");
  printTitles();
  for (const [group, some] of Map.groupBy(checks, ({ group }) => group)) {
    console.log(`\n${group}`);
    const { stuck } = await runChecks(some, bench, async (row) => {
      figures.rows.push(row);
      printRow(row);
      await write(figures);
    }, limit);
    if (stuck) return true;
    await remember(bench.device, figures, group);
  }
  return false;
}

async function remember(device: Device, { memory }: Figures, after: string): Promise<void> {
  const used = await cardMemory(device);
  if (used !== undefined) memory[after] = used;
}

/** What the card can do at best, in each type. */
async function ceilings(bench: Bench, facts: DeviceFacts, figures: Figures): Promise<void> {
  const { device, float16, quick } = bench;
  const small = quick || device.kind === "cpu" || facts.software;
  const lines: string[][] = [];
  for (const dtype of ["float32", ...(float16 ? ["float16" as const] : [])] as const) {
    try {
      const measured = await measureCeilings(device, dtype, { small, runs: 3 });
      figures.ceilings[dtype] = measured;
      const { flops, bytes, size } = measured;
      const products = `${(flops / 1e12).toPrecision(3)} at ${size}`;
      lines.push([dtype, products, (bytes / 1e9).toPrecision(3)]);
    } catch (error) {
      const problem = (error as Error).message;
      const row: Row = {
        group: "ceilings",
        name: "MatMul and copies",
        dtype,
        verdict: "NO",
        problem,
      };
      figures.rows.push(row);
      printRow(row);
    }
  }
  if (lines.length > 0) table(["ceilings", "MatMul, Tflop/s", "copies, GB/s"], lines);
}

/** In a process of its own: what breaks there leaves the rows here, and the card is all its. */
async function wan(options: DeviceBenchOptions, facts: DeviceFacts, figures: Figures) {
  const small = options.quick || options.device === "cpu" || facts.software;
  const json = await Deno.makeTempFile({ suffix: ".json" });
  console.log("");
  try {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", new URL("wan.bench.ts", import.meta.url).href],
        ...["--device", options.device, "--json", json, "--threads", `${options.threads}`],
        ...(small ? ["--small"] : ["--full"]),
        // Software takes minutes for what the default would be.
        ...(facts.software ? ["--layers", "1", "--window", "3", "--parts", "transformer"] : []),
        ...(options.quick ? ["--runs", "1"] : []),
      ],
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    if (code === 0) figures.wan = JSON.parse(await Deno.readTextFile(json));
    figures.rows.push({
      group: "Wan2.1-1.3B",
      name: "wan.bench.ts",
      verdict: code === 0 ? "ok" : "NO",
      ...(code === 0 ? { error: 0, allowed: 0 } : { problem: `it ended with ${code}` }),
    });
  } finally {
    await Deno.remove(json);
  }
}

async function write(figures: Figures): Promise<void> {
  const { json } = figures.options;
  if (json === undefined) return;
  // JSON has no infinity; a half-written file is none.
  const replacer = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  await Deno.writeTextFile(`${json}.part`, JSON.stringify(figures, replacer, 2) + "\n");
  await Deno.rename(`${json}.part`, json);
}
