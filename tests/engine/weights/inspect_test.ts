import { assertEquals, assertRejects } from "@std/assert";
import { foldNames } from "../../../engine/weights/inspect.ts";
import { inspectWeights, type WeightEntry, WeightsError } from "../../../engine/weights/mod.ts";

const golden = (name: string) =>
  decodeURIComponent(new URL(`../../golden/${name}`, import.meta.url).pathname);

function fold(entries: Readonly<Record<string, Partial<WeightEntry>>>): string[] {
  const tensors = Object.entries(entries).map(([name, entry]): [string, WeightEntry] => [
    name,
    { dtype: "float32", shape: [1], offset: 0, length: 4, ...entry },
  ]);
  return foldNames(new Map(tensors)).map(({ name, count }) => `${name} ×${count}`);
}

Deno.test("foldNames() folds numbers, and names no tensor that is not there", () => {
  const blocks: Record<string, Partial<WeightEntry>> = {};
  for (let i = 0; i < 30; i++) {
    blocks[`blocks.${i}.q.weight`] = { shape: [4, 4] };
    blocks[`blocks.${i}.ffn.0.weight`] = { shape: [8, 4] };
    blocks[`blocks.${i}.ffn.2.weight`] = { shape: [4, 8] };
    for (const j of [0, 2]) blocks[`blocks.${i}.ffn.${j}.scale`] = {};
  }
  assertEquals(fold({ ...blocks, "head.weight": {} }), [
    "blocks.0-29.q.weight ×30",
    "blocks.0-29.ffn.0.weight ×30",
    "blocks.0-29.ffn.2.weight ×30",
    "blocks.0-29.ffn.0,2.scale ×60",
    "head.weight ×1",
  ]);
  assertEquals(fold({ "a.0.0": {}, "a.0.1": {}, "a.1.0": {} }), ["a.0-1.0 ×2", "a.0.1 ×1"]);
  assertEquals(fold({ "a.0": {}, "a.3": {}, "a.1": {}, "a.x": {}, "a.07": {} }), [
    "a.0-1,3 ×3",
    "a.x ×1",
    "a.07 ×1",
  ]);
  assertEquals(fold({ "a.0": {}, "a.1": { dtype: "int8" }, "a.2": { inPlace: false } }), [
    "a.0 ×1",
    "a.1 ×1",
    "a.2 ×1",
  ]);
});

Deno.test("inspectWeights() counts a checkpoint's tensors under its own names", async () => {
  const whole = await inspectWeights(golden("checkpoint_small.pt"));
  assertEquals([whole.format, whole.bytes, whole.tensors], ["torch", 8803, 24]);
  assertEquals(whole.groups, ["generator", "generator_ema"]);
  assertEquals(whole.dtypes, [
    { dtype: "float32", tensors: 24, parameters: 952, bytes: 3808 },
  ]);
  assertEquals(whole.families[0], {
    name: "generator.model.patch_embedding.weight",
    dtype: "float32",
    shape: [8, 4, 1, 2, 2],
    count: 1,
    inPlace: true,
  });
  const part = await inspectWeights(`${golden("checkpoint_small.pt")}#generator_ema`);
  assertEquals([part.key, part.tensors, part.parameters], ["generator_ema", 12, 476]);
  assertEquals(part.families[0]!.name, "model.patch_embedding.weight");
  const extras = await inspectWeights(golden("checkpoint_extras.pt"));
  assertEquals(extras.metadata.lr, "0.000002");
  assertEquals(extras.dtypes.map(({ dtype }) => dtype).length, 10);
  const half = await inspectWeights(golden("checkpoint_small_bf16.safetensors"));
  assertEquals(half.format, "safetensors");
  assertEquals(half.metadata, {
    note: "values of checkpoint_small_bf16.pth, bf16 and widened to f32",
  });
  await assertRejects(
    () => inspectWeights(golden("checkpoint_malicious.pt")),
    WeightsError,
    "it wants os.system",
  );
});
