import { assertEquals, assertRejects } from "@std/assert";
import { loadGraph } from "../../../engine/load/mod.ts";
import { add, Graph, Scope } from "../../../engine/onnx/mod.ts";
import { openDevice } from "../../../engine/runtime/mod.ts";
import { hostTensor } from "../../../engine/tensor/mod.ts";
import {
  checkFinite,
  inspectWeights,
  openWeightFile,
  WeightsError,
  writeSafetensors,
} from "../../../engine/weights/mod.ts";
import { temporaryFolder } from "./_files.ts";

const [first, second] = ["m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors"];
const index = "m.safetensors.index.json";
const floats = (...values: number[]) =>
  hostTensor("float32", [values.length], new Float32Array(values));

/** Two files of weights, and an index of them in an order of its own. */
async function write(folder: string, map?: unknown, bias = floats(3, 4)): Promise<string> {
  await writeSafetensors(`${folder}/${first}`, [
    ["model.a.weight", floats(1, 2)],
    ["model.a.bias", bias],
  ], { format: "pt" });
  await writeSafetensors(`${folder}/${second}`, [["model.b.weight", floats(5, 6)]]);
  const weight_map = map ?? {
    "model.b.weight": second,
    "model.a.weight": first,
    "model.a.bias": first,
  };
  await Deno.writeTextFile(
    `${folder}/${index}`,
    JSON.stringify({ metadata: { total_size: 24 }, weight_map }),
  );
  return `${folder}/${index}`;
}

/** x + a.weight + b.weight + a.bias. */
function sum(): Graph {
  const graph = new Graph("sum");
  const root = new Scope(graph);
  const names = ["a.weight", "b.weight", "a.bias"];
  const parameters = names.map((name) => root.parameter(name, [2]));
  graph.output("y", parameters.reduce(add, graph.input("x", "float32", [2])));
  return graph;
}

async function run(path: string): Promise<number[]> {
  await using device = await openDevice("cpu", { threads: 1 });
  await using session = await loadGraph(device, sum(), await openWeightFile(path));
  using x = device.createTensor("float32", [2]);
  await x.write(new Float32Array([100, 200]));
  using binding = session.createBinding();
  binding.input("x", x).outputOnHost("y");
  await session.run(binding);
  return [...binding.take("y").data as Float32Array];
}

Deno.test("openWeightFile() opens the files that an index names as one, under the network's names", async () => {
  using folder = temporaryFolder();
  const path = await write(folder.path);
  const file = await openWeightFile(path);
  assertEquals(file.path, path);
  assertEquals([...file.tensors.keys()], ["b.weight", "a.weight", "a.bias"]);
  assertEquals(file.tensors.get("a.bias")!.path, `${folder.path}/${first}`);
  assertEquals([...file.metadata], []);
  assertEquals([...(await file.read("b.weight")).data as Float32Array], [5, 6]);
  const bytes = new Uint8Array(8);
  await file.readInto("a.bias", bytes);
  assertEquals([...new Float32Array(bytes.buffer)], [3, 4]);
  await assertRejects(() => file.read("c"), WeightsError, 'there is no tensor "c" among its 3');
  await checkFinite(file);
  const { format, files, tensors, bytes: total } = await inspectWeights(path);
  const sizes = [index, first, second].map((name) => Deno.statSync(`${folder.path}/${name}`).size);
  assertEquals([format, files, tensors, total], ["index", 2, 3, sizes.reduce((a, b) => a + b)]);
});

Deno.test("loadGraph() reads each file of an index in place, wherever links lead", async () => {
  using folder = temporaryFolder();
  const path = await write(folder.path);
  const expected = [100 + 1 + 3 + 5, 200 + 2 + 4 + 6];
  assertEquals(await run(path), expected);
  // As the hub's cache keeps them: links beside the index, files by their sums elsewhere.
  await Deno.mkdir(`${folder.path}/blobs`);
  await Deno.mkdir(`${folder.path}/snapshots/main`, { recursive: true });
  for (const [i, name] of [first, second, index].entries()) {
    await Deno.rename(`${folder.path}/${name}`, `${folder.path}/blobs/${i}`);
    await Deno.symlink(`../../blobs/${i}`, `${folder.path}/snapshots/main/${name}`);
  }
  assertEquals(await run(`${folder.path}/snapshots/main/${index}`), expected);
});

Deno.test("checkFinite() names a tensor in whichever file of an index it is", async () => {
  using folder = temporaryFolder();
  const file = await openWeightFile(await write(folder.path, undefined, floats(1, NaN)));
  await assertRejects(
    () => checkFinite(file),
    WeightsError,
    '1 of its tensors hold values that are not finite: "a.bias" at [1] is NaN',
  );
  await checkFinite(file, ["b.weight", "a.weight", "b.weight"]);
});

Deno.test("openWeightFile() refuses an index that does not fit its files, by name", async () => {
  using folder = temporaryFolder();
  const whole = { "model.a.weight": first, "model.a.bias": first, "model.b.weight": second };
  const cases: [map: unknown, message: string][] = [
    [{}, "expected weight_map, names of files by names of tensors"],
    [[first], "expected weight_map"],
    [{ ...whole, c: "../other.safetensors" }, 'tensor "c" is said to be in "../other.safetensors"'],
    [{ ...whole, c: "/etc/passwd" }, "expected the name of a safetensors file beside it"],
    [{ ...whole, c: "a\\b.safetensors" }, "expected the name of a safetensors file beside it"],
    [{ ...whole, c: 7 }, 'tensor "c" is said to be in "7"'],
    [{ ...whole, c: "m-3.safetensors" }, "its file m-3.safetensors is not beside it"],
    [
      { ...whole, "model.b.weight": first },
      `1 tensors that are not where it says: "model.b.weight" in ${first}`,
    ],
    [
      { "model.a.weight": first, "model.b.weight": second },
      `1 tensors that it does not name there: "model.a.bias" in ${first}`,
    ],
  ];
  for (const [map, message] of cases) {
    const path = await write(folder.path, map);
    const error = await assertRejects(() => openWeightFile(path), WeightsError, message);
    assertEquals(error.path, path, message);
  }
  const path = await write(folder.path);
  await Deno.writeTextFile(path, "{ no JSON");
  await assertRejects(
    () => openWeightFile(path),
    WeightsError,
    "it is no index of safetensors files: expected JSON",
  );
  // A part that was not fetched whole is told by its own name.
  await write(folder.path);
  const part = `${folder.path}/${second}`;
  await Deno.truncate(part, Deno.statSync(part).size - 1);
  const error = await assertRejects(() => openWeightFile(path), WeightsError);
  assertEquals(error.path, part);
});
