import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  DownloadError,
  planPull,
  pull,
  type PullOptions,
  removeModel,
  verifyModel,
} from "../../../engine/weights/mod.ts";
import { COMMIT, content, HubServer, sha256Of } from "./_hub_server.ts";
import { BYTES, PATH, WHOLE, withFolder } from "./_pulling.ts";

Deno.test("pull() fetches several files at once, and no more than it may", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => [`part ${i}.pt`, { content: content(9000, i), lfs: true }]),
  );
  await using server = new HubServer(files);
  await withFolder(async (folder) => {
    const model = server.model(Object.keys(files).map((path) => ({ path, use: "weights" })));
    const running = new Set<string>();
    let most = 0;
    const options: PullOptions = {
      folder,
      environment: { HF_ENDPOINT: server.endpoint },
      parallel: 2,
      onEvent(event) {
        if (event.type === "bytes") running.add(event.file);
        if (event.type === "done") running.delete(event.file);
        most = Math.max(most, running.size);
      },
    };
    await pull(await planPull([model], options), options);
    for (const [path, { content }] of Object.entries(files)) {
      assertEquals(await Deno.readFile(`${folder}/Model/${path}`), content);
      assertEquals(server.sent.get(path), content.length);
    }
    assert(most <= 2, `${most} at once`);
  });
});

Deno.test("pull() ends the others when one file fails, and keeps what came of them", async () => {
  await using server = new HubServer({
    "bad.pt": { content: WHOLE, lfs: true, gets: [{ status: 404 }] },
    "good.pt": { content: WHOLE, lfs: true, gets: [{ stall: 30_000 }] },
  });
  await withFolder(async (folder) => {
    const model = server.model([{ path: "good.pt", use: "" }, { path: "bad.pt", use: "" }]);
    const options = { folder, environment: { HF_ENDPOINT: server.endpoint }, idle: 5000 };
    const plan = await planPull([model], options);
    await assertRejects(() => pull(plan, options), DownloadError, "bad.pt cannot be fetched");
    const again = await planPull([model], options);
    await pull(again, options);
    const starts = server.seen.filter(({ path }) => path === "good.pt").map(({ start }) => start);
    assertEquals(starts.length, 2);
    assertEquals(starts[1], again[0]?.begun);
  });
});

Deno.test("pull() is refused while another process fetches the same file", async () => {
  await using server = new HubServer({ [PATH]: { content: WHOLE, lfs: true } });
  await withFolder(async (folder) => {
    const model = server.model([{ path: PATH, use: "weights" }]);
    const options = { folder, environment: { HF_ENDPOINT: server.endpoint } };
    const path = `${folder}/Model/${PATH}.${sha256Of(WHOLE).slice(0, 16)}.part`;
    await Deno.mkdir(`${folder}/Model/checkpoints`, { recursive: true });
    using other = await Deno.open(path, { write: true, create: true });
    await other.lock(true);
    const plan = await planPull([model], options);
    await assertRejects(
      () => pull(plan, options),
      DownloadError,
      "by another process: wait for it",
    );
  });
});

Deno.test("pull() puts files into the hub's cache where the user chose it, and takes them from there", async () => {
  await using server = new HubServer({ [PATH]: { content: WHOLE, lfs: true } });
  await withFolder(async (folder) => {
    const model = server.model([{ path: PATH, use: "weights" }]);
    const environment = { HF_ENDPOINT: server.endpoint, HF_HOME: `${folder}/hub home` };
    const first = { folder: `${folder}/first`, environment };
    await pull(await planPull([model], first), first);
    const repository = `${folder}/hub home/hub/models--owner--model`;
    const snapshot = `${repository}/snapshots/${COMMIT}/${PATH}`;
    assertEquals(await Deno.readFile(snapshot), WHOLE);
    assertEquals(await Deno.readTextFile(`${repository}/refs/main`), COMMIT);
    assertEquals((await Deno.lstat(`${folder}/first/Model/${PATH}`)).isSymlink, true);
    // Another folder of models, with no network at all.
    const second = {
      folder: `${folder}/second`,
      environment: { ...environment, HF_HUB_OFFLINE: "1" },
    };
    const asked = server.seen.length + server.heads.length;
    await pull(await planPull([model], second), second);
    assertEquals(server.seen.length + server.heads.length, asked);
    assertEquals(await Deno.readFile(`${folder}/second/Model/${PATH}`), WHOLE);
    // The second did not put it there: only the first takes it away.
    assertEquals(await removeModel(model, second.folder), 0);
    assertEquals(await Deno.readFile(snapshot), WHOLE);
    assertEquals(await removeModel(model, first.folder), BYTES);
    await assertRejects(() => Deno.lstat(snapshot), Deno.errors.NotFound);
  });
});

Deno.test("pull() takes nothing damaged from the hub's cache", async () => {
  await using server = new HubServer({ [PATH]: { content: WHOLE, lfs: true } });
  await withFolder(async (folder) => {
    const model = server.model([{ path: PATH, use: "weights" }]);
    const blobs = `${folder}/cache/models--owner--model/blobs`;
    await Deno.mkdir(blobs, { recursive: true });
    const wrong = WHOLE.slice();
    wrong[9]! ^= 4;
    await Deno.writeFile(`${blobs}/${sha256Of(WHOLE)}`, wrong);
    const environment = { HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: `${folder}/cache` };
    const options = { folder: `${folder}/models`, environment };
    await pull(await planPull([model], options), options);
    assertEquals(await Deno.readFile(`${folder}/models/Model/${PATH}`), WHOLE);
  });
});

Deno.test("pull() fetches from an address that is no hub, and remembers the checksum", async () => {
  await using server = new HubServer({ "taew.pth": { content: WHOLE, lfs: false } });
  await withFolder(async (folder) => {
    const { repository: _, ...rest } = server.model([{ path: "taew.pth", use: "decoder" }]);
    const model = { ...rest, address: `${server.endpoint}/owner/model/resolve/main/` };
    await pull(await planPull([model], { folder }), { folder });
    assertEquals((await verifyModel(model, folder))[0]?.state, "whole");
    const path = `${folder}/Model/taew.pth`;
    const wrong = WHOLE.slice();
    wrong[5]! ^= 1;
    await Deno.writeFile(path, wrong);
    const [checked] = await verifyModel(model, folder);
    assertEquals(checked?.state, "damaged");
    assertStringIncludes(checked?.detail ?? "", `expected the SHA-256 ${sha256Of(WHOLE)}`);
  });
});
