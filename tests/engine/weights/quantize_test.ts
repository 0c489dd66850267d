import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  entryOf,
  type FewBits,
  openSafetensors,
  quantize,
  quantized,
  scalesName,
  WeightsError,
  writeSafetensors,
} from "../../../engine/weights/mod.ts";
import { float32ToBfloat16, type HostTensor, toFloat32 } from "../../../engine/tensor/mod.ts";
import { temporaryFolder } from "./_files.ts";

/** Numbers around 0, most of them near it. */
function numbers(count: number, scale = 1): Float32Array {
  let state = 7;
  const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  return Float32Array.from({ length: count }, () => scale * (uniform() + uniform() + uniform()));
}

/** What the products reckon with. */
function widened(
  { weight, scales }: ReturnType<typeof quantize>,
  { bits, block }: FewBits,
): Float64Array {
  const [out, blocks] = weight.shape as [number, number, number];
  return Float64Array.from({ length: out * blocks * block }, (_, i) => {
    const byte = weight.data[i * bits / 8 | 0]!;
    const level = bits === 8 ? byte : i % 2 ? byte >> 4 : byte & 15;
    return (level - 2 ** (bits - 1)) * scales.data[Math.floor(i / block)]!;
  });
}

Deno.test("quantize() is never further off than half a step, a step for what the other sign's extreme cuts off", () => {
  const data = numbers(6 * 256, 0.05);
  for (const scales of ["float32", "float16"] as const) {
    for (const bits of [4, 8] as const) {
      for (const block of [16, 32, 128]) {
        const form = { bits, block, scales };
        const made = quantize({ dtype: "float32", shape: [6, 256], data }, form);
        assertEquals(made.weight.shape, [6, 256 / block, block * bits / 8]);
        assertEquals(made.scales.shape, [6 * 256 / block]);
        assertEquals(made.scales.dtype, scales);
        const values = widened(made, form);
        let squares = 0;
        data.forEach((value, i) => {
          const step = Math.abs(made.scales.data[Math.floor(i / block)]!);
          const reach = (2 ** (bits - 1) - 1) * step;
          const off = Math.abs(values[i]! - value);
          const allowed = value * values[i]! > 0 && Math.abs(value) > reach ? 1 : 0.5;
          assert(off <= allowed * step * (1 + 1e-6), `${value} became ${values[i]} by ${step}`);
          squares += (off / step) ** 2;
        });
        // Rounding that is spread evenly over a step is off by 1 / √12 of it.
        const spread = Math.sqrt(squares / data.length);
        assert(spread > 0.24 && spread < 0.34, `${bits} bits, block ${block}: ${spread}`);
      }
    }
  }
});

Deno.test("quantize() uses the lowest whole number for the largest value, whatever its sign", () => {
  for (const sign of [1, -1]) {
    const data = new Float32Array(16);
    data.set([8, -7, 4, -2, 0.4, 0.6].map((value) => sign * value));
    const four = { bits: 4, block: 16, scales: "float32" } as const;
    const made = quantize({ dtype: "float32", shape: [1, 16], data }, four);
    assertEquals([...made.scales.data], [-sign]);
    assertEquals([...made.weight.data.subarray(0, 3)], [0xf0, 0xa4, 0x78]);
    assertEquals([...made.weight.data.subarray(3)], Array(5).fill(0x88));
  }
});

Deno.test("quantize() reads all stored types alike", () => {
  const data = Float32Array.from({ length: 64 }, (_, i) => (i - 20) / 64);
  const form = { bits: 8, block: 32, scales: "float32" } as const;
  const shape = [2, 32];
  const expected = quantize({ dtype: "float32", shape, data }, form);
  const others: HostTensor<"float16" | "bfloat16">[] = [
    { dtype: "float16", shape, data: Float16Array.from(data) },
    { dtype: "bfloat16", shape, data: float32ToBfloat16(data) },
  ];
  for (const tensor of others) assertEquals(quantize(tensor, form), expected);
});

Deno.test("quantize() fills rows that end inside a block, and keeps rows apart", () => {
  const data = Float32Array.from({ length: 3 * 20 }, (_, i) => i < 40 ? 1 : 100);
  const form = { bits: 4, block: 16, scales: "float32" } as const;
  const made = quantize({ dtype: "float32", shape: [3, 20], data }, form);
  assertEquals(made.weight.shape, [3, 2, 8]);
  const values = widened(made, form);
  for (let row = 0; row < 3; row++) {
    const expected = [...Array(20).fill(row < 2 ? 1 : 100), ...Array(12).fill(0)];
    assertEquals([...values.subarray(row * 32, row * 32 + 32)], expected);
  }
});

Deno.test("quantize() bears zeros, the smallest and the largest numbers", () => {
  const form = { bits: 8, block: 16, scales: "float32" } as const;
  const rows = [0, 1e-44, 1e-40, 3.4e38].map((value) =>
    Float32Array.from({ length: 16 }, (_, i) => i % 3 ? value : -value / 2)
  );
  for (const data of rows) {
    const made = quantize({ dtype: "float32", shape: [1, 16], data }, form);
    const most = Math.max(...data);
    widened(made, form).forEach((value, i) =>
      assert(Math.abs(value - data[i]!) <= Math.max(most / 250, 1e-45), `${data[i]} as ${value}`)
    );
  }
  // Where float16 is coarse, no value is out of the scales' reach.
  const half = { bits: 8, block: 16, scales: "float16" } as const;
  for (const most of [1e-9, 1e-6, 4e-6, 1e-4]) {
    const data = Float32Array.from({ length: 16 }, (_, i) => (i - 8) / 8 * most);
    const made = quantize({ dtype: "float32", shape: [1, 16], data }, half);
    widened(made, half).forEach((value, i) =>
      assert(Math.abs(value - data[i]!) <= most / 128 + 2 ** -24, `${data[i]} as ${value}`)
    );
  }
});

Deno.test("quantize() refuses what is no number, and what scales cannot hold", () => {
  const form = { bits: 8, block: 16, scales: "float16" } as const;
  for (
    const [value, message] of [[NaN, "at [1, 3] is NaN"], [-Infinity, "is an infinity"]] as const
  ) {
    const data = new Float32Array(32);
    data[19] = value;
    assertThrows(
      () => quantize({ dtype: "float32", shape: [2, 16], data }, form),
      RangeError,
      message,
    );
  }
  const data = new Float32Array(32).fill(70_000, 16);
  const tensor = { dtype: "float32", shape: [2, 16], data } as const;
  for (const bits of [4, 8] as const) {
    assertThrows(
      () => quantize(tensor, { ...form, bits }),
      RangeError,
      "row 1 holds values beyond float16's 65504: use float32",
    );
  }
  quantize(tensor, { ...form, scales: "float32" });
});

const form: FewBits = { bits: 4, block: 16, scales: "float32" };

Deno.test("quantized() gives some tensors in few bits beside their scales, others as they lie", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  const shape = [4, 32];
  const a = { dtype: "float32", shape, data: numbers(128) } as const;
  const b = { dtype: "float32", shape, data: numbers(128, 2) } as const;
  const norm = { dtype: "float32", shape: [4], data: numbers(4) } as const;
  await writeSafetensors(path, [["a", a], ["b", b], ["norm", norm]]);
  const base = await openSafetensors(path);
  const file = quantized(base, new Map([["a", form], ["b", { ...form, bits: 8 }]]));
  assertEquals([...file.tensors.keys()].toSorted(), ["a", "a_scales", "b", "b_scales", "norm"]);
  assertEquals(file.tensors.get("norm"), base.tensors.get("norm"));
  const { dtype, shape: made, length, inPlace } = entryOf(file, "a");
  assertEquals({ dtype, made, length, inPlace }, {
    dtype: "uint8",
    made: [4, 2, 8],
    length: 64,
    inPlace: false,
  });
  assertEquals(entryOf(file, scalesName("a")).length, 32);
  // In any order, the scales first and other tensors between.
  for (const names of [["a", "b"], ["b", "a", "b"]]) {
    for (const name of names) {
      const tensor = name === "a" ? a : b;
      const pair = quantize(tensor, { ...form, bits: name === "a" ? 4 : 8 });
      assertEquals(await file.read(scalesName(name)), pair.scales);
      assertEquals(await file.read(name), pair.weight);
      const bytes = new Uint8Array(entryOf(file, name).length);
      await file.readInto(name, bytes);
      assertEquals(bytes, pair.weight.data);
      assertEquals(toFloat32(await file.read("norm")), norm.data);
    }
  }
  await assertRejects(() => file.readInto("a", new Uint8Array(3)), RangeError, "room for 64 bytes");
});

Deno.test("quantized() names the tensor that cannot be kept so", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  await writeSafetensors(path, [
    ["vector", { dtype: "float32", shape: [32], data: new Float32Array(32) }],
    ["whole", { dtype: "int32", shape: [2, 16], data: new Int32Array(32) }],
    ["nan", { dtype: "float32", shape: [2, 16], data: new Float32Array(32).fill(NaN) }],
  ]);
  const base = await openSafetensors(path);
  for (
    const [name, message] of [
      ["vector", "expected a matrix of float32, float16 or bfloat16, got float32 [32]"],
      ["whole", "got int32 [2, 16]"],
      ["absent", 'there is no tensor "absent"'],
    ] as const
  ) {
    assertThrows(() => quantized(base, new Map([[name, form]])), WeightsError, message);
  }
  const file = quantized(base, new Map([["nan", form]]));
  await assertRejects(
    () => file.read("nan"),
    WeightsError,
    'tensor "nan" cannot be kept in 4 bits: at [0, 0] is NaN',
  );
});
