import { assertEquals } from "@std/assert";

/** Runs code in a process of its own that can ask for a garbage collection; gives its standard output. */
async function collecting(body: string): Promise<string[]> {
  const runtime = new URL("../../../engine/runtime/mod.ts", import.meta.url);
  const models = new URL("./_models.ts", import.meta.url);
  const config = new URL("../../../deno.json", import.meta.url).pathname;
  const code = `
    import { liveHandles, openDevice, setLeakReporter } from "${runtime}";
    import { affine } from "${models}";
    async function collect() {
      for (let i = 0; i < 5; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    ${body}`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--v8-flags=--expose-gc", "--config", config, code],
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}

Deno.test("what nobody uses is freed; data that is in use stays", async () => {
  const lines = await collecting(`
    await using device = await openDevice("cpu", { threads: 1 });
    async function use() {
      const session = await device.createSession(affine());
      const x = device.createTensor("float32", [1000]);
      const y = device.createTensor("float32", [1000]);
      x.data.fill(2);
      await session.run(session.createBinding().input("x", x).output("y", y));
      return y.data;
    }
    const data = await use();
    await collect();
    const { session, binding, tensor, value } = liveHandles();
    console.log([session, binding, tensor, value].join(), data.length, data[999]);`);
  assertEquals(lines, ["0,0,0,0 1000 6.5"]);
});

Deno.test("a device that is collected while open is reported, once nothing made on it is in use", async () => {
  const lines = await collecting(`
    setLeakReporter((what) => console.log(what));
    async function open() {
      return (await openDevice("cpu", { threads: 1 })).createTensor("float32", [1]);
    }
    const kept = await open();
    await collect();
    console.log(kept.data[0]);
    await (async () => void await openDevice("cpu", { threads: 1 }))();
    await collect();
    Deno.exit();`);
  assertEquals(lines, ["0", "device cpu"]);
});
