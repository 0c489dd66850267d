import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { tryCopies } from "../../../engine/runtime/_copies.ts";
import { type Core, openEnvironment } from "../../../engine/runtime/_core.ts";
import type { Call } from "../../../engine/runtime/_executor.ts";
import { DeviceUnavailableError, liveHandles, OrtError } from "../../../engine/runtime/mod.ts";

/** A card that only makes values, and copies as it is told. */
function cardThat(copy: () => Promise<void>): { core: Core; asked: string[] } {
  const asked: string[] = [];
  const one = async ([name, ...args]: Call) => {
    asked.push(name);
    if (name === "CopyTensors") await copy();
    // Where values and addresses are given back.
    const place = args.at(-1);
    if (place instanceof BigUint64Array) place[0] = 64n;
  };
  const executor = {
    run: async (calls: readonly Call[]) => {
      for (const call of calls) await one(call);
    },
    call: async (...call: unknown[]) => await one(call as unknown as Call),
  };
  const core = {
    ...openEnvironment(),
    name: "cuda:0",
    executor,
    memory: { info: 1n, allocator: 2n },
    owned: new Set(),
    closed: false,
  };
  return { core: core as unknown as Core, asked };
}

const refused = () => {
  throw new OrtError("CopyTensors", 9, "no data transfer for these devices\n");
};

Deno.test("tryCopies() says that a card cannot be copied to, and leaves nothing", async () => {
  const before = liveHandles();
  const { core, asked } = cardThat(refused);
  const error = await assertRejects(() => tryCopies(core), DeviceUnavailableError);
  assertStringIncludes(
    error.message,
    "cannot use device cuda:0: ONNX Runtime cannot copy to the card and back: " +
      "no data transfer for these devices. Use webgpu, or cpu",
  );
  assertEquals(asked.at(-1), "ReleaseValue");
  assertEquals(liveHandles(), before);
});

Deno.test("tryCopies() compares what comes back", async () => {
  const { core, asked } = cardThat(() => Promise.resolve());
  const error = await assertRejects(() => tryCopies(core), DeviceUnavailableError);
  assertStringIncludes(error.message, "wrote 1.5, -2.25 and read 0, 0");
  assertEquals(asked, [
    "CreateTensorAsOrtValue",
    "GetTensorMutableData",
    "CopyTensors",
    "CopyTensors",
    "ReleaseValue",
  ]);
});
