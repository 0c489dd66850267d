import { assertEquals, assertRejects } from "@std/assert";
import { float32ToBfloat16, type HostTensor, hostTensor } from "../../../engine/tensor/mod.ts";
import {
  checkFinite,
  openSafetensors,
  WeightsError,
  writeSafetensors,
} from "../../../engine/weights/mod.ts";
import { temporaryFolder } from "./_files.ts";

const makers: Record<string, (values: Float32Array, shape: number[]) => HostTensor> = {
  float64: (v, s) => hostTensor("float64", s, new Float64Array(v)),
  float32: (v, s) => hostTensor("float32", s, v),
  float16: (v, s) => hostTensor("float16", s, new Float16Array(v)),
  bfloat16: (v, s) => hostTensor("bfloat16", s, float32ToBfloat16(v)),
};

Deno.test("checkFinite() names the tensor and the first element that is not finite", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  for (const [dtype, make] of Object.entries(makers)) {
    for (const [value, word] of [[NaN, "NaN"], [Infinity, "infinite"], [-Infinity, "infinite"]]) {
      for (const at of [0, 1, 13, 14]) {
        const values = new Float32Array(15).fill(-65504);
        values[at] = value as number;
        values[14] = NaN;
        await writeSafetensors(path, [["w", make(values, [3, 5])], [
          "ok",
          make(new Float32Array(2), [2]),
        ]]);
        const error = await assertRejects(async () => checkFinite(await openSafetensors(path)));
        assertEquals(
          (error as Error).message,
          `cannot use the weights ${path}: 1 of its tensors hold values that are not finite: ` +
            `"w" at [${Math.floor(at / 5)}, ${at % 5}] is ${at === 14 ? "NaN" : word}`,
          dtype,
        );
      }
    }
  }
});

Deno.test("checkFinite() passes finite values of every magnitude, integers, and what was not asked", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  const values = new Float32Array([0, -0, 1, 65504, -65504, 2 ** -24, -1e-40, 3]);
  await writeSafetensors(path, [
    ...Object.entries(makers).map(([name, make]) => [name, make(values, [8])] as const),
    ["max", hostTensor("float32", [1], new Float32Array([-3.4028234e38]))],
    ["ones", hostTensor("int32", [2], new Int32Array([-1, 0x7f800000]))],
    ["bad", hostTensor("float32", [1], new Float32Array([NaN]))],
  ]);
  const file = await openSafetensors(path);
  await checkFinite(file, [...file.tensors.keys()].filter((name) => name !== "bad"));
  await assertRejects(() => checkFinite(file, ["bad"]), WeightsError, '"bad" at [0] is NaN');
  await assertRejects(() => checkFinite(file, ["gone"]), WeightsError, 'no tensor "gone"');
});

Deno.test("checkFinite() refuses what float16 would make infinite, where it is to be cast to that", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  // Each type's last value that float16 rounds to 65504, and the next.
  const edges: [keyof typeof makers, number, number][] = [
    ["float64", 65519, 65520],
    ["float32", 65519.996, 65520],
    ["bfloat16", 65280, 65536],
  ];
  for (const [dtype, largest, next] of edges) {
    for (const sign of [1, -1]) {
      const tensor = (value: number) => makers[dtype]!(new Float32Array([1, 2, value * sign]), [3]);
      await writeSafetensors(path, [["fits", tensor(largest)], ["w", tensor(next)]]);
      const file = await openSafetensors(path);
      await checkFinite(file);
      await checkFinite(file, undefined, { inFloat16: new Set(["fits"]) });
      const error = await assertRejects(
        () => checkFinite(file, undefined, { inFloat16: new Set(["fits", "w"]) }),
        WeightsError,
      );
      assertEquals(
        error.message,
        `cannot use the weights ${path}: 1 of its tensors hold values that are not finite in float16: ` +
          '"w" at [2] is beyond 65504; float32 takes what is beyond it',
        dtype,
      );
    }
  }
});

Deno.test("checkFinite() finds the index beyond the first block, and stops when aborted", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  const data = new Float16Array(3_000_001);
  data[3_000_000] = Infinity;
  await writeSafetensors(path, [["x", hostTensor("float16", [3_000_001, 1], data)]]);
  const file = await openSafetensors(path);
  await assertRejects(() => checkFinite(file), WeightsError, '"x" at [3000000, 0] is infinite');
  const reason = new Error("enough");
  await assertRejects(
    () => checkFinite(file, undefined, { signal: AbortSignal.abort(reason) }),
    Error,
    "enough",
  );
});
