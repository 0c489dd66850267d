import { assertEquals } from "@std/assert";
import { hold, sweep, temporaryFile } from "../../../engine/load/_temporary.ts";
import { temporaryFolder } from "../weights/_files.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();

Deno.test("temporaryFile() gives a file that goes away with the stack, held or not", async () => {
  for (const held of [true, false]) {
    const stack = new AsyncDisposableStack();
    const path = await temporaryFile(stack);
    if (held) await hold(path, stack);
    assertEquals((await Deno.stat(path)).size, 0);
    await stack.disposeAsync();
    assertEquals(await Deno.stat(path).then(() => "there", () => "gone"), "gone");
  }
});

Deno.test("sweep() removes what killed runs have left, and nothing else", async () => {
  using folder = temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  const hour = 3600_000;
  const files = ["sluice-weights-left", "sluice-weights-young", "sluice-weights-held", "other"];
  for (const name of files) await Deno.writeTextFile(at(name), name);
  await Deno.mkdir(at("sluice-weights-folder"));
  const old = (Date.now() - hour) / 1000;
  for (const name of files) if (!name.endsWith("young")) await Deno.utime(at(name), old, old);
  await using stack = new AsyncDisposableStack();
  await hold(at("sluice-weights-held"), stack);
  await sweep(`${folder.path}/`);
  const kept = ["other", "sluice-weights-folder", "sluice-weights-held", "sluice-weights-young"];
  assertEquals(names(folder.path), kept);
  await sweep(`${folder.path}/`, Date.now() + hour);
  assertEquals(names(folder.path), kept.filter((name) => !name.endsWith("young")));
  await sweep(`${folder.path}/no such folder/`);
});

Deno.test("sweep() spares what another process holds, until that is killed", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/sluice-weights-theirs`;
  await Deno.writeTextFile(path, "theirs");
  const module = new URL("../../../engine/load/_temporary.ts", import.meta.url).href;
  const program = `const { hold } = await import(${JSON.stringify(module)});
    await hold(${JSON.stringify(path)}, new AsyncDisposableStack());
    console.log("held");
    setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const later = Date.now() + 3600_000;
  await sweep(`${folder.path}/`, later);
  assertEquals(names(folder.path), ["sluice-weights-theirs"]);
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await sweep(`${folder.path}/`, later);
  assertEquals(names(folder.path), []);
});
