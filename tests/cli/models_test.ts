import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { content, HubServer } from "../engine/weights/_hub_server.ts";
import { publishedIn } from "../../cli/published.ts";
import { loadConfig } from "../../pipeline/config.ts";
import { run } from "./_run.ts";
import { inFolder } from "../_folder.ts";

const MAIN = fromFileUrl(new URL("../../cli/main.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));
const BYTES = 300_000;
const WHOLE = content(BYTES, 7);
const PATH = "checkpoints/self_forcing_gan.pt";

/** The program as a user starts it, in a folder of its own. */
function sluice(folder: string, words: readonly string[], endpoint: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", CONFIG, MAIN, ...words],
    cwd: folder,
    env: { HF_ENDPOINT: endpoint, HOME: folder, HF_HOME: "", HF_TOKEN: "", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function ended(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((go) => setTimeout(go, 10));
  assert(condition());
}

Deno.test("models pull goes on after Ctrl-C where it was, shows licences first, and remembers", async () => {
  const gets = [{ stall: 200_000 }];
  await using server = new HubServer({ [PATH]: { content: WHOLE, lfs: true, gets } });
  await inFolder(async (folder) => {
    const pull = ["models", "pull", "self-forcing-gan"];
    const refused = await ended(sluice(folder, pull, server.endpoint));
    assertEquals(refused.code, 2);
    assertMatch(refused.err, /self-forcing-gan: licence CC-BY-NC-SA-4.0: not for commercial use/);
    assertStringIncludes(refused.err, "read them and add --yes");
    assertEquals(server.seen, []);

    const first = sluice(folder, [...pull, "--yes"], server.endpoint);
    const checkpoints = `${folder}/models/Self-Forcing/checkpoints`;
    const partial = () => {
      try {
        return [...Deno.readDirSync(checkpoints)].some(({ name }) =>
          name.endsWith(".part") && Deno.statSync(`${checkpoints}/${name}`).size === 200_000
        );
      } catch {
        return false;
      }
    };
    await until(partial);
    first.kill("SIGINT");
    const stopped = await ended(first);
    assertEquals(stopped.code, 130);
    assertStringIncludes(stopped.err, "What has come stays");

    // Agreed to before: not asked again.
    const second = await ended(sluice(folder, [...pull, "--json"], server.endpoint));
    assertEquals(second.code, 0, second.err);
    assertEquals(JSON.parse(second.out).fetched, 100_000);
    assertEquals(server.seen.map(({ start }) => start), [0, 200_000]);
    assertEquals(await Deno.readFile(`${folder}/models/Self-Forcing/${PATH}`), WHOLE);

    const third = await ended(sluice(folder, pull, "http://127.0.0.1:9"));
    assertEquals(third.code, 0, third.err);
    assertStringIncludes(third.err, "Everything is here");
  });
});

Deno.test("models list, verify and remove tell what is here", async () => {
  await using server = new HubServer({ [PATH]: { content: WHOLE, lfs: true } });
  await inFolder(async (folder) => {
    const at = ["--folder", `${folder}/models`];
    const pulled = await ended(
      sluice(folder, ["models", "pull", "self-forcing-gan", "-y", "-q"], server.endpoint),
    );
    assertEquals(pulled.code, 0, pulled.err);
    const listed = await run(["models", "list", ...at]);
    assertMatch(listed.out, /self-forcing-gan +300 kB +here +CC-BY-NC-SA-4.0/);
    assertMatch(listed.out, /umt5-xxl +11.4 GB +— +Apache-2.0/);
    assertMatch((await run(["models", "verify", ...at])).out, /_gan.pt: whole, SHA-256/);
    const path = `${folder}/models/Self-Forcing/${PATH}`;
    await Deno.writeFile(path, WHOLE.subarray(1));
    const damaged = await run(["models", "verify", ...at]);
    assertEquals(damaged.code, 1);
    assertStringIncludes(damaged.out, "damaged, expected 300000 bytes, got 299999: sluice models");
    const removed = await run(["models", "remove", "self-forcing-gan", ...at]);
    assertStringIncludes(removed.out, "self-forcing-gan: 300 kB freed");
    assertEquals((await run(["models", "verify", ...at])).code, 0);
  });
});

Deno.test("models refuses names it does not know, and nothing to do", async () => {
  const unknown = await run(["models", "pull", "self-forcing-dms"]);
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.err, 'Did you mean "self-forcing-dmd"?');
  const none = await run(["models", "pull"]);
  assertEquals(none.code, 2);
  assertStringIncludes(none.err, "Name a model");
});

Deno.test("generate says which models a config lacks", async () => {
  const plugins = async () => (await import("../../mod.ts")).plugins;
  const configs = new URL("../../configs/", import.meta.url);
  const { code, err } = await run(["generate", "a", "--config", "self_forcing_dmd"], {
    changes: { plugins, configs },
  });
  assertEquals(code, 2);
  assertStringIncludes(err, "sluice models pull umt5-xxl self-forcing-dmd taew2.1");
});

Deno.test("every config of a published checkpoint can be pulled whole, and its files are named as they land", async () => {
  const { plugins } = await import("../../mod.ts");
  const configs = new URL("../../configs/", import.meta.url);
  const names = [...Deno.readDirSync(configs)].map(({ name }) => name);
  const published = names.filter((name) => /^(self_forcing|wan2\.1_)/.test(name));
  assertEquals(published.length, 8);
  for (const name of published) {
    const path = fromFileUrl(new URL(name, configs));
    const config = await loadConfig(path, { plugins });
    assertEquals(`${config.name}.yaml`, name);
    const text = await Deno.readTextFile(path);
    const files = [...text.matchAll(/models\/[^#\s,}]+/g)].map(([file]) => file);
    const found = await publishedIn(config);
    assertEquals(found.map(({ path }) => path), files, name);
    for (const { model, file, path } of found) {
      assertEquals(path, `models/${model.folder}/${file.path}`);
    }
  }
});
