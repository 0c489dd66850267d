import { assertEquals, assertRejects } from "@std/assert";
import { hostTensor } from "../../../engine/tensor/mod.ts";
import {
  openWeightFile,
  splitWeightSpec,
  WeightsError,
  writeSafetensors,
} from "../../../engine/weights/mod.ts";
import { rawFile, temporaryFolder } from "./_files.ts";
import { dict, int, pickleOf, tensor, torchFile } from "./_torch.ts";

const golden = (name: string) =>
  decodeURIComponent(new URL(`../../golden/${name}`, import.meta.url).pathname);

const one = tensor({ shape: [4], strides: [1] });
const storage = { 0: new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer) };

/** A checkpoint of these containers, each with tensors of these names. */
function checkpoint(groups: Readonly<Record<string, readonly string[]>>): Uint8Array {
  const inner = (names: readonly string[]) =>
    dict(Object.fromEntries(names.map((name) => [name, one])));
  const all = Object.entries(groups).map(([key, names]) => [key, inner(names)] as const);
  return torchFile(pickleOf(dict(Object.fromEntries([...all, ["step", int(3)]]))), storage);
}

Deno.test("splitWeightSpec() splits at the last #, unless a file has that name", async () => {
  using folder = temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/a#b.pt`, "");
  assertEquals(splitWeightSpec("x/y.pt"), { path: "x/y.pt" });
  assertEquals(splitWeightSpec("x/y.pt#ema"), { path: "x/y.pt", key: "ema" });
  assertEquals(splitWeightSpec(`${folder.path}/a#b.pt`), { path: `${folder.path}/a#b.pt` });
  assertEquals(splitWeightSpec(`${folder.path}/a#b.pt#ema`), {
    path: `${folder.path}/a#b.pt`,
    key: "ema",
  });
});

Deno.test("openWeightFile() takes a container by its key, without the prefixes of training", async () => {
  const file = await openWeightFile(`${golden("checkpoint_small.pt")}#generator_ema`);
  const values = await openWeightFile(`${golden("checkpoint_small.safetensors")}#generator_ema`);
  assertEquals([...file.tensors.keys()].slice(0, 3), [
    "patch_embedding.weight",
    "patch_embedding.bias",
    "blocks.0.modulation",
  ]);
  assertEquals([...file.tensors.keys()].sort(), [...values.tensors.keys()].sort());
  for (const name of file.tensors.keys()) {
    assertEquals((await file.read(name)).data, (await values.read(name)).data, name);
  }
  await assertRejects(() => file.read("model.head.head.weight"), WeightsError, "no tensor");
});

Deno.test("openWeightFile() says which keys there are", async () => {
  const path = golden("checkpoint_small.pt");
  for (const key of ["generator_em", "", "generator.model.head.head.weight", "__proto__"]) {
    await assertRejects(
      () => openWeightFile(`${path}#${key}`),
      WeightsError,
      `cannot use the weights ${path}: there is nothing under #${key}: expected #generator, ` +
        "#generator_ema",
    );
  }
  await assertRejects(
    () => openWeightFile(path),
    WeightsError,
    `it holds several sets of weights: choose one, as ${path}#generator; there are #generator, ` +
      "#generator_ema",
  );
  await assertRejects(
    () => openWeightFile(`${golden("checkpoint_small_bf16.pth")}#generator`),
    WeightsError,
    "there is nothing under #generator: its 5 tensors lie in no container; leave out #generator",
  );
});

Deno.test("openWeightFile() needs no key where all lies in one container", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  await Deno.writeFile(path, checkpoint({ state_dict: ["a.w", "b.w"] }));
  assertEquals([...(await openWeightFile(path)).tensors.keys()], ["a.w", "b.w"]);
  const whole = await openWeightFile(path, { whole: true });
  assertEquals([...whole.tensors.keys()], ["state_dict.a.w", "state_dict.b.w"]);
});

Deno.test("openWeightFile() removes wrappers anywhere, and prefixes that all names have", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  const cases: [string[], string[]][] = [
    [["model._fsdp_wrapped_module.blocks.0._fsdp_wrapped_module.w", "model.head.w"], [
      "blocks.0.w",
      "head.w",
    ]],
    [["module.model.a", "module.model.b"], ["a", "b"]],
    [["model.diffusion_model.a", "model.diffusion_model.b"], ["a", "b"]],
    [["_orig_mod.a._checkpoint_wrapped_module.b"], ["a.b"]],
    [["model.a", "b"], ["model.a", "b"]],
    [["models.a", "models.b"], ["models.a", "models.b"]],
  ];
  for (const [names, expected] of cases) {
    await Deno.writeFile(path, checkpoint({ g: names }));
    const file = await openWeightFile(`${path}#g`);
    assertEquals([...file.tensors.keys()], expected);
    for (const name of expected) assertEquals((await file.read(name)).data.length, 4);
  }
  await Deno.writeFile(path, checkpoint({ g: ["a.w", "a._orig_mod.w"] }));
  await assertRejects(
    () => openWeightFile(`${path}#g`),
    WeightsError,
    'its tensors "a.w" and "a._orig_mod.w" are both "a.w"',
  );
});

Deno.test("openWeightFile() goes by what a file holds, then by its name", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  await writeSafetensors(path, [["x", hostTensor("float32", [1], new Float32Array(1))]]);
  assertEquals((await openWeightFile(path)).tensors.size, 1);
  await Deno.copyFile(golden("checkpoint_small_bf16.pth"), `${folder.path}/b.safetensors`);
  assertEquals((await openWeightFile(`${folder.path}/b.safetensors`)).tensors.size, 5);
  // Headers of 0x…80 and 0x…4b50 bytes: their files begin as a pickle and as a zip do.
  for (const [name, length] of [["d", 0x180], ["e", 0x4b50]] as const) {
    const file = `${folder.path}/${name}`;
    const header = `{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`.padEnd(length);
    await Deno.writeFile(file, rawFile(header, 1));
    assertEquals((await openWeightFile(file)).tensors.size, 1);
  }
  const legacy = golden("checkpoint_small_legacy.pt");
  await assertRejects(() => openWeightFile(legacy), WeightsError, "the legacy format of PyTorch");
  for (
    const [name, message] of [
      ["c.safetensors", "its header claims"],
      ["c.pth", "it does not begin as a zip file"],
      ["c.gguf", "it begins neither as a safetensors file nor as a torch checkpoint"],
    ] as const
  ) {
    await Deno.writeTextFile(`${folder.path}/${name}`, "GGUF, or whatever else");
    await assertRejects(() => openWeightFile(`${folder.path}/${name}`), WeightsError, message);
  }
  await assertRejects(() => openWeightFile(`${path}.no`), WeightsError, "there is no such file");
});
