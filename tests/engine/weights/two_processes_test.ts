/** Two processes at once: the moments between two steps of one, in which the other comes in. */

import { assertEquals, assertRejects } from "@std/assert";
import { download } from "../../../engine/weights/_download.ts";
import { takeAlone } from "../../../engine/weights/_lock.ts";
import { DownloadError } from "../../../engine/weights/_requests.ts";
import { planPull, pull } from "../../../engine/weights/pull.ts";
import { HubServer } from "./_hub_server.ts";
import { PATH, WHOLE, withFolder } from "./_pulling.ts";

/** Does something whenever a file was opened and is about to be locked. */
async function beforeLocks(meanwhile: () => Promise<void>, work: () => Promise<void>) {
  const { tryLock } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.tryLock = async function (exclusive) {
    await meanwhile();
    return await tryLock.call(this, exclusive);
  };
  try {
    await work();
  } finally {
    Deno.FsFile.prototype.tryLock = tryLock;
  }
}

Deno.test("takeAlone() takes a file that is still the one of its name", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/file`;
    const open = () => Deno.open(path, { write: true, create: true });
    const first = await open();
    assertEquals(await takeAlone(first, path), true);
    using second = await open();
    assertEquals(await takeAlone(second, path), false, "another has it");
    // The other is done with it, and a third has begun anew.
    await Deno.rename(path, `${folder}/done`);
    first.close();
    assertEquals(await takeAlone(second, path), false, "it has another name now");
    using third = await open();
    using fourth = await open();
    assertEquals(await takeAlone(fourth, path), true);
    assertEquals(await takeAlone(third, path), false);
  });
});

Deno.test("download() leaves alone what another process has just finished", async () => {
  await withFolder(async (folder) => {
    const target = `${folder}/model`;
    const part = `${target}.part`;
    await Deno.writeFile(part, WHOLE);
    const job = {
      what: "model",
      address: "http://127.0.0.1:9/model",
      page: "page",
      target,
      expected: {},
      restart: true,
      onBytes: () => {},
      onWait: () => {},
    };
    const asking = {
      fetch: () => Promise.reject(new TypeError("nothing is to be asked")),
      token: undefined,
      tokenOrigin: undefined,
      signal: undefined,
      attempts: 1,
      pause: 1,
      patience: 1,
      idle: 1000,
    };
    const finish = () => Deno.rename(part, target);
    await beforeLocks(finish, async () => {
      await assertRejects(() => download(job, asking), DownloadError, "by another process");
    });
    assertEquals(await Deno.readFile(target), WHOLE);
  });
});

Deno.test("pull() of one model by many at once takes it from the hub's cache for each", async () => {
  await using server = new HubServer({ [PATH]: { content: WHOLE, lfs: true } });
  await withFolder(async (folder) => {
    const model = server.model([{ path: PATH, use: "weights" }]);
    const environment = { HF_ENDPOINT: server.endpoint, HF_HOME: `${folder}/hub` };
    const first = { folder: `${folder}/first`, environment };
    await pull(await planPull([model], first), first);
    const second = { folder: `${folder}/second`, environment };
    const plans = await Promise.all(Array.from({ length: 8 }, () => planPull([model], second)));
    await Promise.all(plans.map((plan) => pull(plan, second)));
    assertEquals(await Deno.readFile(`${folder}/second/Model/${PATH}`), WHOLE);
    const names = [...Deno.readDirSync(`${folder}/second/Model/checkpoints`)].map(({ name }) =>
      name
    );
    assertEquals(names, ["model.pt"], "no drafts are left");
  });
});
