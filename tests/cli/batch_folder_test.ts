import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { BatchFolder } from "../../cli/batch_folder.ts";
import { assertNothingOpen } from "../_sluice.ts";

const NAMES = ["001-a-0.mp4", "002-b-0"];
const LEFT = [".001-a-0.mp4.01234567.part", ".002-b-0.01234567.part"];
/** Nobody's, another file's, and one that has its name. */
const OTHERS = [".003-c-0.mp4.01234567.part", ".hidden", "001-a-0.mp4"];

/** A folder with what killed runs left. */
async function inFolder(use: (path: string, names: () => string[]) => Promise<void>) {
  const path = await Deno.makeTempDir();
  try {
    for (const name of [LEFT[0]!, ...OTHERS]) await Deno.writeTextFile(join(path, name), "");
    await Deno.mkdir(join(path, LEFT[1]!));
    await Deno.writeTextFile(join(path, LEFT[1]!, "00000.png"), "");
    await use(path, () => [...Deno.readDirSync(path)].map(({ name }) => name).sort());
  } finally {
    await Deno.remove(path, { recursive: true });
  }
  assertNothingOpen();
}

Deno.test("BatchFolder.enter() removes what was left of its files, and leaves no trace of itself", () =>
  inFolder(async (path, names) => {
    const folder = await BatchFolder.enter(path, NAMES);
    assertEquals(names().filter((name) => name.endsWith(".part")), [OTHERS[0]]);
    await folder[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
    assertEquals(names(), OTHERS);
  }));

Deno.test("BatchFolder.enter() touches nothing while another is in the folder, whichever came first", () =>
  inFolder(async (path, names) => {
    const first = await BatchFolder.enter(path, []);
    const second = await BatchFolder.enter(path, NAMES);
    const all = [...LEFT, ...OTHERS, ".sluice-batch.lock"].sort();
    assertEquals(names(), all);
    await first[Symbol.asyncDispose]();
    const third = await BatchFolder.enter(path, NAMES);
    assertEquals(names(), all, "the second is at work");
    await second[Symbol.asyncDispose]();
    await third[Symbol.asyncDispose]();
    assertEquals(names(), [...LEFT, ...OTHERS].sort());
    await using _ = await BatchFolder.enter(path, NAMES);
    assertEquals(names().includes(LEFT[0]!), false, "nobody is");
  }));

Deno.test("BatchFolder.enter() locks the file that has the name, not one that was taken away meanwhile", () =>
  inFolder(async (path, names) => {
    const lock = join(path, ".sluice-batch.lock");
    const { lock: take } = Deno.FsFile.prototype;
    let taken = false;
    Deno.FsFile.prototype.lock = async function (exclusive) {
      if (!taken) await Deno.remove(lock);
      taken = true;
      return await take.call(this, exclusive);
    };
    try {
      await using _first = await BatchFolder.enter(path, []);
      await using _second = await BatchFolder.enter(path, NAMES);
      assertEquals([taken, names().includes(LEFT[0]!)], [true, true]);
    } finally {
      Deno.FsFile.prototype.lock = take;
    }
    assertEquals(names(), [...LEFT, ...OTHERS].sort());
  }));

/** A batch in a process of its own; what it says as JSON. */
async function batch(cwd: string, container: string) {
  const root = new URL("../../", import.meta.url);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "-q", "--no-check", "--config", fromFileUrl(new URL("deno.json", root))],
      ...[fromFileUrl(new URL("cli/main.ts", root)), "generate", "--prompts", "p.txt"],
      ...["--out", "v", "--frames", "9", "--encode-video-container", container, "--json"],
    ],
    cwd,
  }).output();
  const said = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(said.error, undefined, new TextDecoder().decode(stderr));
  return said as { made: unknown[]; skipped: number; failed: unknown[] };
}

for (const container of ["mp4", "png"]) {
  Deno.test(`generate --prompts, twice at once into one folder, makes each ${container} whole`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(join(folder, "p.txt"), "a red ball\na blue ball\n");
      const both = await Promise.all([batch(folder, container), batch(folder, container)]);
      for (const { failed, made, skipped } of both) {
        assertEquals([failed, made.length + skipped], [[], 2]);
      }
      const ending = container === "png" ? "" : `.${container}`;
      assertEquals(
        [...Deno.readDirSync(join(folder, "v"))].map(({ name }) => name).sort(),
        ["001-a-red-ball-0", "002-a-blue-ball-0"].map((name) => `${name}${ending}`),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
