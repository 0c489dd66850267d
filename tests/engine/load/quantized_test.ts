import { assert, assertEquals, assertRejects } from "@std/assert";
import { placeParameters } from "../../../engine/load/_away.ts";
import { checkWeights, prepareGraph } from "../../../engine/load/mod.ts";
import { Graph, linearNBits, Scope, writeModel } from "../../../engine/onnx/mod.ts";
import { type Device, openDevice, type Session } from "../../../engine/runtime/mod.ts";
import {
  fewBitsShapes,
  openSafetensors,
  quantized,
  scalesName,
  type WeightFile,
  WeightsError,
  writeSafetensors,
} from "../../../engine/weights/mod.ts";
import { distance } from "../../_golden.ts";
import { temporaryFolder } from "../weights/_files.ts";

const form = { bits: 8, block: 16, scales: "float32" } as const;
const [ROWS, IN, OUT] = [3, 32, 4];
const x = Float32Array.from({ length: ROWS * IN }, (_, i) => Math.sin(i));
const weight = Float32Array.from({ length: OUT * IN }, (_, i) => Math.cos(i * 1.7));

/** x · weightᵀ in few bits. */
function product(): Graph {
  const graph = new Graph("product");
  const root = new Scope(graph);
  const shapes = fewBitsShapes([OUT, IN], form);
  const w = root.parameter("weight", shapes.weight, undefined, "uint8");
  const scales = root.parameter(scalesName("weight"), shapes.scales);
  graph.output("y", linearNBits(graph.input("x", "float32", [ROWS, IN]), w, scales, form));
  return graph;
}

async function stored(folder: string, data = weight): Promise<WeightFile> {
  const path = `${folder}/a.safetensors`;
  await writeSafetensors(path, [["weight", { dtype: "float32", shape: [OUT, IN], data }]]);
  return quantized(await openSafetensors(path), new Map([["weight", form]]));
}

async function check(device: Device, session: Session): Promise<void> {
  using given = device.createTensor("float32", [ROWS, IN]);
  await given.write(x);
  using binding = session.createBinding();
  binding.input("x", given).outputOnHost("y");
  await session.run(binding);
  const expected = Float32Array.from({ length: ROWS * OUT }, (_, i) => {
    const [row, out] = [Math.floor(i / OUT), i % OUT];
    return weight.slice(out * IN, out * IN + IN).reduce(
      (sum, w, k) => sum + w * x[row * IN + k]!,
      0,
    );
  });
  const apart = distance(binding.take("y").data as Float32Array, expected);
  assert(apart > 1e-5 && apart < 0.05, `${apart}`);
}

Deno.test("prepareGraph() reads what is not in place once, for sessions that come and go", async () => {
  using folder = temporaryFolder();
  const file = await stored(folder.path);
  await checkWeights([product()], file);
  let reads = 0;
  const counted: WeightFile = {
    ...file,
    readInto: (name, target) => (reads++, file.readInto(name, target)),
  };
  await using device = await openDevice("cpu", { threads: 1 });
  const prepared = await prepareGraph(product(), counted);
  for (let time = 0; time < 2; time++) {
    await using session = await prepared.load(device);
    await check(device, session);
  }
  await using last = await prepared.load(device);
  await prepared[Symbol.asyncDispose]();
  await check(device, last);
  assertEquals(reads, 2);
});

Deno.test("placeParameters() puts weights in few bits and their scales into the temporary file", async () => {
  using folder = temporaryFolder();
  const file = await stored(folder.path);
  const graph = product();
  await using device = await openDevice("cpu", { threads: 1 });
  await using placed = await placeParameters(file, [...graph.parameters.keys()], { limit: 0 });
  const model = writeModel(graph, (name) => placed.data.get(name)!);
  await using session = await device.createSession(model, {
    externalFolder: placed.folder,
    prepack: false,
  });
  await check(device, session);
});

Deno.test("checkWeights() leaves finding what is not finite to those who make few bits", async () => {
  using folder = temporaryFolder();
  const data = weight.slice();
  data[37] = Infinity;
  const file = await stored(folder.path, data);
  await checkWeights([product()], file);
  await assertRejects(
    () => prepareGraph(product(), file),
    WeightsError,
    'tensor "weight" cannot be kept in 8 bits: at [1, 5] is an infinity',
  );
});
