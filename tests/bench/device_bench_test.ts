import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type Bench,
  type Check,
  exitCodeOf,
  type GroupSummary,
  type Row,
  runChecks,
  summarize,
} from "../../bench/_device_check.ts";
import { deviceChecks } from "../../bench/_device_checks.ts";
import { operatorChecks } from "../../bench/_device_operator_checks.ts";
import { operatorCheck } from "../../bench/_device_operators.ts";
import { parseDeviceOptions } from "../../bench/_device_options.ts";
import { add, Graph, mul } from "../../engine/onnx/mod.ts";
import { openDevice } from "../../engine/runtime/mod.ts";
import { rounding } from "../_rounding.ts";

const root = new URL("../..", import.meta.url);

Deno.test("device.bench.ts finds the CPU right in every row, and says so last", async () => {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "bench/device.bench.ts", "--device", "cpu", "--quick", "--no-wan"],
      ...["--threads", "2", "--json", json],
    ],
    cwd: root,
  }).output();
  const printed = new TextDecoder().decode(stdout);
  assertEquals(code, 0, printed + new TextDecoder().decode(stderr));
  const { rows, facts, ceilings } = JSON.parse(await Deno.readTextFile(json)) as {
    readonly rows: readonly Row[];
    readonly facts: Readonly<Record<string, unknown>>;
    readonly ceilings: { readonly float32: { readonly flops: number } };
  };
  await Deno.remove(json);
  assertEquals(rows.filter(({ verdict }) => verdict !== "ok" && verdict !== "absent"), []);
  // The CPU has no kernels for 16-bit floats: those rows are told as absent, not as right.
  for (const { dtype, verdict } of rows) {
    assertEquals(verdict, dtype === "float16" ? "absent" : "ok");
  }
  const right = new Set(rows.filter(({ verdict }) => verdict === "ok").map(({ group }) => group));
  assertEquals([...right], [
    "precision",
    "copies",
    "cache in place",
    "attention",
    "products and norms",
    "convolutions",
    "few bits",
    "golden networks in float32",
    "embedded pipeline",
  ]);
  const measured = rows.filter(({ name }) => name.startsWith("MultiHeadAttention"))
    .filter(({ verdict }) => verdict === "ok");
  assertEquals(measured.length, 4);
  // Another way to the same numbers: where nothing differed, nothing was compared.
  for (const { error, steadyMs } of measured) assert(error! > 0 && steadyMs! > 0);
  assertEquals(facts.device, "cpu");
  assertEquals(facts.deno, Deno.version.deno);
  assert(ceilings.float32.flops > 0);
  assertStringIncludes(printed, "All right.");
});

async function withBench<T>(use: (bench: Bench) => Promise<T>): Promise<T> {
  await using device = await openDevice("cpu", { threads: 1 });
  await using reference = await openDevice("cpu", { threads: 1 });
  return await use({ device, reference, float16: false, attention: "fused", quick: true });
}

/** x + by on the device, x + 1 where it is right. */
function plus(by: number, name: string): Check {
  const build = (added: number) => {
    const graph = new Graph("plus");
    graph.output("y", add(mul(graph.input("x", "float32", [8, 16]), 1), added));
    return graph;
  };
  return operatorCheck("sums", name, "float32", () => ({
    rows: 8,
    byRow: ["x"],
    build: () => build(by),
    reference: () => build(1),
  }));
}

Deno.test("runChecks() tells what is wrong and what throws, and goes on", async () => {
  const throwing: Check = {
    group: "others",
    name: "throws",
    run: () => Promise.reject(new TypeError("no such kernel")),
  };
  const nan: Check = {
    group: "others",
    name: "no number",
    run: () => Promise.resolve({ error: NaN, allowed: 1 }),
  };
  const dark: Check = {
    group: "others",
    name: "pictures",
    run: () => Promise.resolve({ error: 0, allowed: 1, psnr: 20, leastPsnr: 40 }),
  };
  const narrow: Check = { ...throwing, name: "narrow", dtype: "float16" };
  const told: string[] = [];
  const { rows, stuck } = await withBench((bench) =>
    runChecks(
      [plus(1, "right"), plus(1.001, "wrong"), throwing, nan, dark, narrow, plus(1, "again")],
      bench,
      ({ name, verdict }) => void told.push(`${name}: ${verdict}`),
    )
  );
  assertEquals(told, [
    "right: ok",
    "wrong: NO",
    "throws: NO",
    "no number: NO",
    "pictures: NO",
    "narrow: absent",
    "again: ok",
  ]);
  assertEquals(stuck, false);
  const wrong = rows[1]!;
  // 0.001 of a largest value that is a little below 2.
  assert(wrong.error! > 4e-4 && wrong.error! < 6e-4, `${wrong.error}`);
  assertEquals(rows[2]!.problem, "no such kernel");
  assertEquals(exitCodeOf(rows), 1);
  assertEquals(exitCodeOf([rows[0]!, rows[5]!]), 0);
  const [sums, others] = summarize(rows) as [GroupSummary, GroupSummary];
  assertEquals([sums.group, sums.verdict, sums.right, sums.count], ["sums", "NO", 2, 3]);
  assertEquals([others.verdict, others.right, others.count], ["NO", 0, 3]);
  assertEquals(others.worst, Infinity);
});

Deno.test("operatorChecks are right in 16 bits, and by no more than what is allowed", async () => {
  const { rows } = await withBench((bench) => {
    const narrow = operatorChecks.filter(({ dtype }) => dtype === "float16");
    const device = rounding(bench.device);
    return runChecks(narrow, { ...bench, device, float16: true });
  });
  assert(rows.length >= 20, `${rows.length}`);
  for (const { name, verdict, error, allowed, problem } of rows) {
    assertEquals(verdict, "ok", `${name}: ${error} of ${allowed}; ${problem}`);
    // Resizing moves values; whatever computes with them must show that it has 11 bits.
    if (allowed! > 0) assert(error! > 2e-5, `${name}: ${error}`);
  }
});

Deno.test("runChecks() leaves out what is behind a check that hangs", async () => {
  const hanging: Check = { group: "one", name: "hangs", run: () => new Promise(() => {}) };
  const { rows, stuck } = await withBench((bench) =>
    runChecks([hanging, plus(1, "behind")], bench, undefined, 0.05)
  );
  assertEquals([stuck, rows.length, rows[0]!.verdict], [true, 1, "NO"]);
  assertStringIncludes(rows[0]!.problem!, "not over after 0.05 s: the device hangs");
});

Deno.test("deviceChecks() leaves out by word, and in a quick run what is like another", async () => {
  await withBench((bench) => {
    const names = (only: string[], quick: boolean) =>
      deviceChecks({ ...bench, quick }, only).map(({ name }) => name);
    assertEquals(new Set(names(["matmulnbits"], true)).size, 2);
    assert(names([], false).includes("embedded model, latents of 7 chunks"));
    assert(!names([], true).includes("embedded model, latents of 7 chunks"));
    return Promise.resolve();
  });
});

Deno.test("parseDeviceOptions() says what is wrong with the command line", () => {
  assertThrows(() => parseDeviceOptions(["--device", "tpu"]), TypeError, "cannot open device tpu");
  assertThrows(
    () => parseDeviceOptions(["--limit", "0"]),
    RangeError,
    "--limit: expected a whole number from 1, got 0",
  );
  const options = parseDeviceOptions(["--only", "attention,conv"]);
  if (options === "help") throw new TypeError("expected options, got help");
  assertEquals([options.only, options.wan, options.device], [["attention", "conv"], false, "cpu"]);
});
