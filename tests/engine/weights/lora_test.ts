import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  bfloat16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  type HostTensor,
  hostTensor,
  toFloat32,
} from "../../../engine/tensor/mod.ts";
import {
  checkFinite,
  mergeLoras,
  openSafetensors,
  type WeightFile,
  WeightsError,
  writeSafetensors,
} from "../../../engine/weights/mod.ts";
import { seeded, temporaryFolder } from "./_files.ts";

const random = seeded(3);
const draw = (...shape: number[]) =>
  hostTensor(
    "float32",
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() - 0.5),
  );
const one = (value: number) => hostTensor("float32", [], new Float32Array([value]));

const q = draw(6, 5);
const ffn = hostTensor("float16", [4, 6], float32ToFloat16(draw(4, 6).data));
const head = hostTensor("bfloat16", [3, 6], float32ToBfloat16(draw(3, 6).data));

/** A network of a few of Wan's parts. */
const network: [string, HostTensor][] = [
  ["blocks.0.self_attn.q.weight", q],
  ["blocks.0.self_attn.q.bias", draw(6)],
  ["blocks.0.norm3.weight", draw(6)],
  ["blocks.0.ffn.2.weight", ffn],
  ["blocks.0.modulation", draw(1, 6, 2)],
  ["head.head.weight", head],
  ["patch_embedding.weight", draw(6, 2, 1, 2, 2)],
  ["time_projection.1.weight", draw(4, 2)],
];

interface Files {
  readonly base: WeightFile;
  lora(tensors: [string, HostTensor][], metadata?: Record<string, string>): Promise<WeightFile>;
}

async function files(folder: string): Promise<Files> {
  await writeSafetensors(`${folder}/base.safetensors`, network);
  let count = 0;
  return {
    base: await openSafetensors(`${folder}/base.safetensors`),
    async lora(tensors, metadata) {
      const path = `${folder}/lora${count++}.safetensors`;
      await writeSafetensors(path, tensors, metadata);
      return await openSafetensors(path);
    },
  };
}

/** W + factor · up · down, in double precision. */
function product(w: HostTensor, up: HostTensor, down: HostTensor, factor: number): number[] {
  const [sum, b, a] = [[...toFloat32(w)], toFloat32(up), toFloat32(down)];
  const out = w.shape[0]!;
  const [width, rank] = [sum.length / out, b.length / out];
  return sum.map((value, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    let added = 0;
    for (let r = 0; r < rank; r++) added += b[row * rank + r]! * a[r * width + column]!;
    return value + factor * added;
  });
}

function assertNear(actual: Float32Array, expected: readonly number[], tolerance: number): void {
  assertEquals(actual.length, expected.length);
  for (const [i, value] of actual.entries()) {
    assert(Math.abs(value - expected[i]!) <= tolerance, `${i}: ${value}, not ${expected[i]}`);
  }
}

Deno.test("mergeLoras() knows the names that LoRAs of Wan have", async () => {
  using folder = temporaryFolder();
  const { base, lora } = await files(folder.path);
  const [down, up] = [draw(7, 5), draw(6, 7)];
  const q0 = "blocks.0.self_attn.q";
  const styles: [string, string, string, number | undefined][] = [
    [`diffusion_model.${q0}`, "lora_A.weight", "lora_B.weight", undefined],
    [`diffusion_model.${q0}`, "lora_down.weight", "lora_up.weight", 3.5],
    [q0, "lora_down.weight", "lora_up.weight", 14],
    [`base_model.model.${q0}`, "lora_A.default.weight", "lora_B.default.weight", undefined],
    ["transformer.blocks.0.attn1.to_q", "lora_A.weight", "lora_B.weight", undefined],
    ["lora_unet_blocks_0_self_attn_q", "lora_down.weight", "lora_up.weight", 7],
    ["lora_unet__blocks_0_self_attn_q", "lora_down.weight", "lora_up.weight", 1],
    ["lora_unet_blocks_0_attn1_to_q", "lora_down.weight", "lora_up.weight", 2],
  ];
  for (const [module, a, b, alpha] of styles) {
    const tensors: [string, HostTensor][] = [[`${module}.${a}`, down], [`${module}.${b}`, up]];
    if (alpha !== undefined) tensors.push([`${module}.alpha`, one(alpha)]);
    const merged = await mergeLoras(base, [{ file: await lora(tensors), scale: 0.8 }]);
    const factor = 0.8 * (alpha ?? 7) / 7;
    assertNear(toFloat32(await merged.read(`${q0}.weight`)), product(q, up, down, factor), 2e-7);
  }
});

Deno.test("mergeLoras() finds diffusers' names of every part, and kernels of convolutions", async () => {
  using folder = temporaryFolder();
  const { base, lora } = await files(folder.path);
  const modules: [string, string, number[], number[]][] = [
    ["blocks.0.ffn.net.2", "blocks.0.ffn.2.weight", [2, 6], [4, 2]],
    ["proj_out", "head.head.weight", [2, 6], [3, 2]],
    ["condition_embedder.time_proj", "time_projection.1.weight", [1, 2], [4, 1]],
    ["patch_embedding", "patch_embedding.weight", [2, 2, 1, 2, 2], [6, 2, 1, 1, 1]],
  ];
  for (const [module, target, a, b] of modules) {
    const [down, up] = [draw(...a), draw(...b)];
    const file = await lora([
      [`transformer.${module}.lora_A.weight`, down],
      [`transformer.${module}.lora_B.weight`, up],
    ]);
    const merged = await mergeLoras(base, [{ file, scale: 1 }]);
    assertEquals([...merged.tensors].filter(([, e]) => e.inPlace === false).map(([n]) => n), [
      target,
    ]);
    const before = network.find(([name]) => name === target)![1];
    const after = await merged.read(target);
    assertEquals([after.dtype, after.shape], [before.dtype, before.shape]);
    assertNear(toFloat32(after), product(before, up, down, 1), 5e-3);
  }
});

Deno.test("mergeLoras() rounds the sum of all of them once, to the stored type", async () => {
  using folder = temporaryFolder();
  const { base, lora } = await files(folder.path);
  const step = hostTensor("float32", [3, 6], new Float32Array(18).fill(2 ** -10));
  const file = await lora([["diffusion_model.head.head.diff", step]]);
  // Each step alone is below half of the last bit of 1 in bfloat16; eight of them are a whole one.
  const ones = hostTensor("bfloat16", [3, 6], new Uint16Array(18).fill(0x3f80));
  const path = `${folder.path}/ones.safetensors`;
  await writeSafetensors(path, [["head.head.weight", ones]]);
  const merged = await mergeLoras(
    await openSafetensors(path),
    Array.from({ length: 8 }, () => ({ file, scale: 1 })),
  );
  const { data, dtype } = await merged.read("head.head.weight");
  assertEquals(dtype, "bfloat16");
  assertEquals([...bfloat16ToFloat32(data as Uint16Array)], Array(18).fill(1 + 2 ** -7));
  const bytes = new Uint8Array(36);
  await merged.readInto("head.head.weight", bytes);
  assertEquals(bytes, new Uint8Array((data as Uint16Array).buffer));
  await checkFinite(merged);
  // The same ones, untouched, where nothing is added.
  assertEquals(
    await mergeLoras(base, [{ file: await lora([["head.head.diff", step]]), scale: 0 }]),
    base,
  );
});

Deno.test("mergeLoras() adds whole differences of weights and biases", async () => {
  using folder = temporaryFolder();
  const { base, lora } = await files(folder.path);
  const [norm, bias] = [draw(6), draw(6)];
  const file = await lora([
    ["diffusion_model.blocks.0.norm3.diff", norm],
    ["diffusion_model.blocks.0.self_attn.q.diff_b", bias],
  ]);
  const merged = await mergeLoras(base, [{ file, scale: -2 }]);
  for (const [name, added] of [["norm3.weight", norm], ["self_attn.q.bias", bias]] as const) {
    const before = toFloat32(await base.read(`blocks.0.${name}`));
    const after = toFloat32(await merged.read(`blocks.0.${name}`));
    assertNear(after, [...before].map((x, i) => x - 2 * added.data[i]!), 1e-7);
  }
  const untouched = "blocks.0.modulation";
  assertEquals(merged.tensors.get(untouched), base.tensors.get(untouched));
  assertEquals(await merged.read(untouched), await base.read(untouched));
});

Deno.test("mergeLoras() takes alpha from the metadata where no tensor has it", async () => {
  using folder = temporaryFolder();
  const { base, lora } = await files(folder.path);
  const [down, up] = [draw(4, 5), draw(6, 4)];
  const module = "transformer.blocks.0.attn1.to_q";
  const tensors: [string, HostTensor][] = [
    [`${module}.lora_A.weight`, down],
    [`${module}.lora_B.weight`, up],
  ];
  const adapter = (config: unknown) => ({ lora_adapter_metadata: JSON.stringify(config) });
  const cases: [Record<string, string>, number][] = [
    [{}, 1],
    [{ lora_alpha: "8" }, 2],
    [adapter({ "transformer.r": 4, "transformer.lora_alpha": 2 }), 0.5],
    [adapter({ "transformer.lora_alpha": 2, "transformer.use_rslora": true }), 1],
    [adapter({ lora_alpha: 2, alpha_pattern: { "attn1.to_q": 12 } }), 3],
  ];
  for (const [metadata, factor] of cases) {
    const merged = await mergeLoras(base, [{ file: await lora(tensors, metadata), scale: 1 }]);
    const after = toFloat32(await merged.read("blocks.0.self_attn.q.weight"));
    assertNear(after, product(q, up, down, factor), 1e-6);
  }
});

Deno.test("mergeLoras() refuses what does not fit, with the names", async () => {
  using folder = temporaryFolder();
  const { base, lora } = await files(folder.path);
  const pair = (module: string, rank: number, inner: number, out: number) =>
    [
      [`${module}.lora_A.weight`, draw(rank, inner)],
      [`${module}.lora_B.weight`, draw(out, rank)],
    ] as [string, HostTensor][];
  const cases: [[string, HostTensor][], string][] = [
    [
      [...pair("double_blocks.0.img_attn.qkv", 2, 5, 6), ...pair("blocks.9.self_attn.q", 2, 5, 6)],
      "(is it made for another model?):\n  4 that the network does not have: " +
      "blocks.9.self_attn.q.lora_A.weight, blocks.9.self_attn.q.lora_B.weight, double_blocks.0",
    ],
    [
      pair("blocks.0.self_attn.q", 2, 8, 6),
      "1 of another shape: blocks.0.self_attn.q.lora_A.weight (expected [6, 5], got [6, 2] · [2, 8])",
    ],
    [[["blocks.0.self_attn.q.diff", draw(5, 5)]], "(expected [6, 5], got [5, 5])"],
    [[["blocks.0.self_attn.q.diff_b", draw(5)]], "(expected [6], got [5])"],
    [[["head.head.diff_b", draw(3)]], "1 that the network does not have: head.head.diff_b"],
    [pair("head.head", 2, 6, 3).slice(0, 1), "1 without its other half: head.head.lora_A.weight"],
    [
      [["head.head.hada_w1_a", draw(2, 2)], ["head.head.dora_scale", draw(2)]],
      "2 of a kind that is not known (expected lora_A and lora_B, lora_down and lora_up, diff): " +
      "head.head.dora_scale, head.head.hada_w1_a",
    ],
    [[["head.head.alpha", one(1)]], "it changes nothing"],
    [[...pair("head.head", 2, 6, 3), ["head.head.alpha", draw(2)]], "is no single number: got [2]"],
    [
      [["head.head.diff", hostTensor("float32", [3, 6], new Float32Array(18).fill(NaN))]],
      '"head.head.diff" at [0, 0] is NaN',
    ],
  ];
  for (const [tensors, message] of cases) {
    const file = await lora(tensors);
    const error = await assertRejects(
      () => mergeLoras(base, [{ file, scale: 1 }]),
      WeightsError,
      message,
    );
    assert(error.message.includes(file.path));
  }
  const file = await lora(pair("head.head", 2, 6, 3));
  await assertRejects(
    () => mergeLoras(base, [{ file, scale: NaN }]),
    RangeError,
    "expected a finite scale, got NaN",
  );
});

Deno.test("mergeLoras() gives sums that are finite, and refuses the others when they are read", async () => {
  using folder = temporaryFolder();
  const { lora } = await files(folder.path);
  const name = "head.head.weight";
  const sums = async (value: HostTensor, added: number) => {
    const path = `${folder.path}/${crypto.randomUUID()}.safetensors`;
    await writeSafetensors(path, [[name, value]]);
    const diff = hostTensor("float32", [1, 2], new Float32Array([0, added]));
    const file = await lora([["head.head.diff", diff]]);
    const merged = await mergeLoras(await openSafetensors(path), [{ file, scale: 1 }]);
    // Nothing is merged for the check: what cannot be used is told by whoever reads it.
    await checkFinite(merged);
    return async () => [...toFloat32(await merged.read(name))];
  };
  const half = hostTensor("float16", [1, 2], float32ToFloat16(new Float32Array([1, 65000])));
  assertEquals(await (await sums(half, -1000))(), [1, 64000]);
  const problem = 'hold values that are not finite: "head.head.weight" at [0, 1] is';
  await assertRejects(await sums(half, 1000), WeightsError, `${problem} infinite`);
  const bad = hostTensor("float32", [1, 2], new Float32Array([1, NaN]));
  await assertRejects(await sums(bad, 1), WeightsError, `${problem} NaN`);
});
