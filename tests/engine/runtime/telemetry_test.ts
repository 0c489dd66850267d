import { assertEquals } from "@std/assert";

const program = `
import { openDevice } from ${JSON.stringify(import.meta.resolve("../../../engine/runtime/mod.ts"))};
await using device = await openDevice("cpu");
console.log(device.kind);
`;

Deno.test({
  name: "openDevice() lets ONNX Runtime neither report nor mark the machine",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      // Without the variables by which ONNX Runtime knows a build server, where it is silent anyway.
      const env = { HOME: folder, XDG_CACHE_HOME: `${folder}/cache` };
      const config = new URL("../../../deno.json", import.meta.url).pathname;
      const main = `${folder}/main.ts`;
      await Deno.writeTextFile(main, program);
      const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-q", "--cached-only", "-A", "--config", config, main],
        clearEnv: true,
        env: { ...env, DENO_DIR: denoFolder(), PATH: Deno.env.get("PATH") ?? "" },
      }).output();
      const text = new TextDecoder();
      assertEquals(success, true, text.decode(stderr));
      assertEquals(text.decode(stdout), "cpu\n");
      assertEquals(text.decode(stderr), "");
      const marks = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
      assertEquals(marks.filter((name) => name !== "main.ts"), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Where Deno keeps what it has fetched, for a process with another home. */
function denoFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return Deno.env.get("DENO_DIR") ?? `${cache}/deno`;
}
