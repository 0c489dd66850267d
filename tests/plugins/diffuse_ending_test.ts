import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Device, liveHandles, openDevice } from "../../engine/runtime/mod.ts";
import { type Conditioning, UserError } from "../../pipeline/mod.ts";
import { diffusionModels } from "../../plugins/_models.ts";
import { CausalWanModel } from "../../plugins/diffuse/model.ts";
import { diffuseOptions } from "../../plugins/diffuse/options.ts";
import { DiffuseStage } from "../../plugins/diffuse/stage.ts";
import { Golden } from "../_golden.ts";
import { goldenSizes } from "./_causal_wan.ts";

const { signal } = new AbortController();
const create = { device: "cpu", threads: 2, directory: ".", signal } as never;
const running = (stop: AbortSignal) => ({
  ...{ signal, stop },
  whenRunning: () => Promise.resolve(),
  report: () => {},
});
const { textDim, textLen } = diffusionModels.embedded.sizes;
const anything: Conditioning = {
  prompt: { text: "a red ball bounces" },
  embeddings: new Float32Array(textLen * textDim),
  tokens: textLen,
  channels: textDim,
  length: 1,
};

Deno.test("diffuse ends without a chunk where it is stopped before the first", async () => {
  await using stage = await DiffuseStage.create(diffuseOptions.parse({ latentFrames: 6 }), create);
  const stop = new AbortController();
  const input = async function* () {
    stop.abort(new DOMException("The run was stopped.", "AbortError"));
    yield await Promise.resolve(anything);
  };
  const chunks = await Array.fromAsync(stage.process(input(), running(stop.signal)));
  assertEquals(chunks, []);
});

Deno.test("CausalWanModel.load() leaves nothing open where there is no room for its cache", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  const golden = await Golden.open("causal_wan");
  const before = liveHandles();
  const tokens = 9 * 4 * 6;
  await assertRejects(
    () =>
      CausalWanModel.load(withoutRoomFor(device, [1, tokens, goldenSizes.dim]), golden.weights, {
        ...{ sizes: goldenSizes, chunk: { frames: 3, height: 8, width: 12 }, window: 9 },
        attention: "composed",
      }),
    Error,
    "no room for that",
  );
  assertEquals(liveHandles(), before);
});

/** The device, with no room for tensors of one shape. */
function withoutRoomFor(device: Device, shape: readonly number[]): Device {
  return new Proxy(device, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      if (key !== "createTensor") return value.bind(target);
      return (...args: Parameters<Device["createTensor"]>) => {
        if (String(args[1]) === String(shape)) throw new Error("no room for that");
        return target.createTensor(...args);
      };
    },
  });
}

Deno.test("diffuse refuses steps that cannot be warped before anything is loaded", () => {
  const { error } = diffuseOptions.safeParse({ steps: [999.5, 500], warpSteps: true });
  assertEquals(error?.issues.map(({ path }) => path), [["steps"]]);
  assertStringIncludes(error!.issues[0]!.message, "expected whole numbers");
  assert(diffuseOptions.safeParse({ steps: [999.5, 500], warpSteps: false }).success);
});

Deno.test("diffuse names a video's only chunk where a later prompt would never be followed", async () => {
  const options = { latentFrames: 1, independentFirstFrame: true };
  await using stage = await DiffuseStage.create(diffuseOptions.parse(options), create);
  const later = { ...anything, prompt: { text: "a star" }, from: 5 };
  const input = async function* () {
    yield await Promise.resolve({ ...anything, then: [later] });
  };
  const error = await assertRejects(
    () => Array.fromAsync(stage.process(input(), running(signal))),
    UserError,
  );
  assertStringIncludes(error.message, "the video's last chunk with picture 0:");
});
