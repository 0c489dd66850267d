/** Brings published models onto the disk: what is there already is not fetched, what is begun is gone on with. */

import { contentPlace, nameCached, takeCached } from "./_cached.ts";
import { download, partOf } from "./_download.ts";
import {
  hubCache,
  hubEndpoint,
  type HubEnvironment,
  hubToken,
  isOffline,
  type RemoteFile,
  remoteFile,
} from "./_hub.ts";
import {
  hashFile,
  makeFolderOf,
  placeOf,
  type PullRecord,
  readRecord,
  sizeOf,
  writeRecord,
} from "./_pulled.ts";
import type { PlannedFile, PullOptions } from "./_plan.ts";
import {
  checkStatus,
  DownloadError,
  persist,
  request,
  type RequestOptions,
  requestOptions,
} from "./_requests.ts";
import type { ModelFile, PublishedModel } from "./registry.ts";

export type { PlannedFile, PullEvent, PullOptions } from "./_plan.ts";

/** The free room on the disk is kept from running out altogether. */
const margin = 64 << 20;

/**
 * Looks what is there and asks the servers for the sizes and checksums of what is not. Nothing is asked where
 * everything is there.
 *
 * Throws a `DownloadError` where a server refuses, or nothing may be asked.
 */
export async function planPull(
  models: readonly PublishedModel[],
  options: PullOptions,
): Promise<PlannedFile[]> {
  const { folder, environment = {}, restart = false } = options;
  const wanted = models.flatMap((model) => model.files.map((file) => ({ model, file })));
  return await inParallel(wanted, options.parallel ?? 3, async ({ model, file }) => {
    const path = placeOf(folder, model, file);
    const [bytes, record] = [await sizeOf(path), await readRecord(folder, model, file)];
    const known: RemoteFile = file;
    const name = `${model.folder}/${file.path}`;
    const address = addressOf(model, file, environment);
    const plan = { model, file, name, path, address };
    if (bytes !== undefined && !restart) {
      const there = record?.bytes === bytes;
      const expected = there ? { bytes, sha256: record.sha256 } : known;
      const state = there ? "there" as const : "kept" as const;
      return { ...plan, state, expected, begun: bytes };
    }
    const expected = isOffline(environment) ? known : await describe(plan, known, options);
    const target = contentPlace(plan, expected, options);
    const begun = restart ? 0 : await sizeOf(partOf(target, expected)) ?? 0;
    return { ...plan, state: "missing" as const, expected, begun };
  });
}

function addressOf(
  { repository, revision = "main", address }: PublishedModel,
  { path }: ModelFile,
  environment: HubEnvironment,
): string {
  const escaped = path.split("/").map(encodeURIComponent).join("/");
  if (repository === undefined) return `${address}${escaped}`;
  return `${hubEndpoint(environment)}/${repository}/resolve/${revision}/${escaped}`;
}

function hubOptions(options: PullOptions): RequestOptions {
  const { environment = {} } = options;
  const origin = new URL(hubEndpoint(environment)).origin;
  return requestOptions(options, { value: hubToken(environment), origin });
}

/** Asks the server what file it has. */
async function describe(
  { name, address, model }: Pick<PlannedFile, "name" | "address" | "model">,
  known: RemoteFile,
  options: PullOptions,
): Promise<RemoteFile> {
  const asking = hubOptions(options);
  const onWait = (reason: string, milliseconds: number) =>
    options.onEvent?.({ type: "wait", file: name, reason, milliseconds });
  const answer = await persist(
    name,
    async () => {
      const response = await request("HEAD", address, {}, asking);
      await response.body?.cancel();
      checkStatus(response, name, model.page);
      return response;
    },
    asking,
    undefined,
    onWait,
  );
  const found = remoteFile(answer);
  for (const key of ["bytes", "sha256"] as const) {
    if (known[key] === undefined || found[key] === undefined || known[key] === found[key]) continue;
    throw new DownloadError(
      `${name} is not the file it was: ${new URL(address).host} has one whose ${
        key === "bytes" ? "size" : "SHA-256"
      } is ${found[key]}, expected ${known[key]}. Look at ${model.page}.`,
    );
  }
  return {
    ...found,
    ...(known.bytes !== undefined && { bytes: known.bytes }),
    ...(known.sha256 !== undefined && { sha256: known.sha256 }),
  };
}

/**
 * Fetches what a plan lacks, several files at once. The first failure ends the others; what has come stays.
 *
 * Throws a `DownloadError`, or the signal's reason.
 */
export async function pull(plan: readonly PlannedFile[], options: PullOptions): Promise<void> {
  const { environment = {}, signal } = options;
  const missing = plan.filter(({ state }) => state === "missing");
  const failing = new AbortController();
  const together = signal ? AbortSignal.any([signal, failing.signal]) : failing.signal;
  const within = { ...options, signal: together };
  const left: PlannedFile[] = [];
  for (const each of missing) if (!await takeCached(each, within)) left.push(each);
  if (left.length > 0 && isOffline(environment)) {
    throw new DownloadError(
      `HF_HUB_OFFLINE is set and ${left.map(({ name }) => name).join(", ")} ${
        left.length > 1 ? "are" : "is"
      } not on this machine: unset it to fetch.`,
      { mendable: true },
    );
  }
  await checkRoom(left, options);
  const kept = plan.filter(({ state }) => state !== "missing");
  await inParallel([...kept, ...left], options.parallel ?? 3, async (each) => {
    try {
      await (each.state === "missing" ? fetchFile(each, within) : keepFile(each, within));
    } catch (error) {
      failing.abort(error);
      throw signal?.aborted ? signal.reason : error;
    }
  });
}

/** Bytes that are still to come; undefined where a server does not say. */
export function bytesLeft(plan: readonly PlannedFile[]): number | undefined {
  let sum = 0;
  for (const { state, expected, begun } of plan) {
    if (state !== "missing") continue;
    if (expected.bytes === undefined) return undefined;
    sum += Math.max(0, expected.bytes - begun);
  }
  return sum;
}

async function checkRoom(plan: readonly PlannedFile[], options: PullOptions): Promise<void> {
  const cache = hubCache(options.environment ?? {});
  const folder = cache?.chosen ? cache.folder : options.folder;
  const needed = plan.reduce(
    (sum, { expected, begun }) => sum + Math.max(0, (expected.bytes ?? 0) - begun),
    0,
  );
  const free = needed > 0 ? await options.freeSpace?.(folder) : undefined;
  if (free === undefined || free >= needed + margin) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  throw new DownloadError(
    `There is no room in ${folder}: ${gigabytes(needed)} are to come and ${
      gigabytes(free)
    } are free. ` +
      "Make room, or choose another disk: --folder, or HF_HOME.",
    { mendable: true },
  );
}

/** Looks at a file that was there; one that is not the published one is not touched. */
async function keepFile(each: PlannedFile, options: PullOptions): Promise<void> {
  const { model, file, name, path, expected, state } = each;
  const bytes = await sizeOf(path) ?? 0;
  if (state === "kept") {
    const sha256 = await hashFile(path, options.signal);
    const wrong = expected.sha256 !== undefined && expected.sha256 !== sha256 ||
      expected.bytes !== undefined && expected.bytes !== bytes;
    if (wrong) {
      throw new DownloadError(
        `${path} is there and is not the published file: expected ${expected.bytes} bytes of the SHA-256 ` +
          `${expected.sha256}, got ${bytes} of ${sha256}. Move it away, or replace it: --restart.`,
        { mendable: true },
      );
    }
    const record = { bytes, sha256, source: "found here", pulled: new Date().toISOString() };
    await writeRecord(options.folder, model, file, record);
  }
  options.onEvent?.({ type: "done", file: name, bytes, from: "there" });
}

async function fetchFile(each: PlannedFile, options: PullOptions): Promise<void> {
  const { model, file, name, path, address, expected } = each;
  const { folder, restart = false, onEvent } = options;
  const target = contentPlace(each, expected, options);
  await makeFolderOf(target);
  const { bytes, sha256 } = await download({
    what: name,
    address,
    page: model.page,
    target,
    expected,
    restart,
    onBytes: (count, done) => onEvent?.({ type: "bytes", file: name, count, done }),
    onWait: (reason, milliseconds) => onEvent?.({ type: "wait", file: name, reason, milliseconds }),
  }, hubOptions(options));
  const cached = target === path ? undefined : await nameCached(each, target, options);
  const record: PullRecord = {
    bytes,
    sha256,
    source: address,
    ...(expected.commit !== undefined && { commit: expected.commit }),
    pulled: new Date().toISOString(),
    ...(cached && { cached }),
  };
  await writeRecord(folder, model, file, record);
  onEvent?.({ type: "done", file: name, bytes, from: "fetched" });
}

/** Runs over items, so many at once; rejects with the first failure once the others have ended. */
async function inParallel<In, Out>(
  items: readonly In[],
  limit: number,
  work: (item: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = new Array(items.length);
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const i = next++;
      try {
        results[i] = await work(items[i]!);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, worker);
  const ended = await Promise.allSettled(workers);
  const failure = ended.find(({ status }) => status === "rejected");
  if (failure) throw (failure as PromiseRejectedResult).reason;
  return results;
}
