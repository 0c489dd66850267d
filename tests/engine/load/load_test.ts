import { assertEquals, assertRejects } from "@std/assert";
import { placeParameters } from "../../../engine/load/_away.ts";
import { loadGraph } from "../../../engine/load/mod.ts";
import { add, Graph, Scope, writeModel } from "../../../engine/onnx/mod.ts";
import { openDevice, type Session } from "../../../engine/runtime/mod.ts";
import { checkFinite, openWeightFile, WeightsError } from "../../../engine/weights/mod.ts";
import { temporaryFolder } from "../weights/_files.ts";
import { dict, pickleOf, tensor, torchFile } from "../weights/_torch.ts";

const elements = Float32Array.from({ length: 24 }, (_, i) => i);

/** `dense` lies in place, `turned` is its transpose. */
function checkpoint(): Uint8Array {
  const view = (strides: number[]) => tensor({ shape: [3, 4], strides, count: 24 });
  const pickle = pickleOf(dict({ dense: view([4, 1]), turned: view([1, 3]) }));
  return torchFile(pickle, { 0: new Uint8Array(elements.buffer) });
}

/** x + dense + turned. */
function sum(): Graph {
  const graph = new Graph("sum");
  const root = new Scope(graph);
  const x = graph.input("x", "float32", [3, 4]);
  const both = add(root.parameter("dense", [3, 4]), root.parameter("turned", [3, 4]));
  graph.output("y", add(x, both));
  return graph;
}

async function run(device: Awaited<ReturnType<typeof openDevice>>, session: Session) {
  using x = device.createTensor("float32", [3, 4]);
  await x.write(new Float32Array(12).fill(100));
  using binding = session.createBinding();
  binding.input("x", x).outputOnHost("y");
  await session.run(binding);
  return [...binding.take("y").data];
}

const expected = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((dense, i) =>
  100 + dense + Math.floor(i / 4) + 3 * (i % 4)
);

Deno.test("loadGraph() reads a torch checkpoint in place, and what does not lie so from the model", async () => {
  using folder = temporaryFolder();
  await Deno.writeFile(`${folder.path}/a.pt`, checkpoint());
  const file = await openWeightFile(`${folder.path}/a.pt`);
  await checkFinite(file);
  await using device = await openDevice("cpu", { threads: 1 });
  await using session = await loadGraph(device, sum(), file);
  assertEquals(await run(device, session), expected);
});

Deno.test("placeParameters() puts many bytes into a temporary file, which goes away", async () => {
  using folder = temporaryFolder();
  await Deno.mkdir(`${folder.path}/deep/er`, { recursive: true });
  const path = `${folder.path}/deep/er/a.pt`;
  await Deno.writeFile(path, checkpoint());
  const file = await openWeightFile(path);
  await using device = await openDevice("cpu", { threads: 1 });
  let session: Session | undefined;
  let spilled = "";
  {
    await using placed = await placeParameters(file, ["dense", "turned"], { limit: 0 });
    const turned = placed.data.get("turned")!;
    if ("data" in turned) throw new Error("expected a place in a file");
    spilled = placed.folder + turned.location;
    assertEquals(Deno.statSync(spilled).size, 48);
    const model = writeModel(sum(), (name) => placed.data.get(name)!);
    session = await device.createSession(model, { externalFolder: placed.folder });
  }
  await using open = session;
  await assertRejects(() => Deno.stat(spilled), Deno.errors.NotFound);
  assertEquals(await run(device, open), expected);
});

Deno.test("placeParameters() leaves nothing behind where reading fails", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  await Deno.writeFile(path, checkpoint());
  const file = await openWeightFile(path);
  await Deno.truncate(path, file.tensors.get("turned")!.offset + 4);
  const spills = () =>
    [...Deno.readDirSync("/tmp")].filter(({ name }) => name.startsWith("sluice-weights-")).length;
  const before = spills();
  await assertRejects(
    () => placeParameters(file, ["turned"], { limit: 0 }),
    WeightsError,
    'it ends inside tensor "turned"',
  );
  const signal = AbortSignal.abort(new Error("enough"));
  for (const limit of [0, 1000]) {
    await assertRejects(
      () => placeParameters(file, ["turned"], { limit, signal }),
      Error,
      "enough",
    );
  }
  assertEquals(spills(), before);
});
