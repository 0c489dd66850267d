/** Finished runs on disk: a folder each, which appears when all of it is written. */
import { join } from "@std/path";
import { UserError } from "../pipeline/errors.ts";
import type { RunView } from "./wire.ts";
import { isRunId } from "./run_id.ts";

/** Names of the files in a run's folder. */
export const FILES = {
  /** The finished video. */
  video: "video.mp4",
  /** Its first picture. */
  poster: "poster.jpg",
  /** The run as the API shows it, and the pipeline it was made with. */
  run: "run.json",
  /** Fragments as they came, while the run goes on. */
  stream: "stream.mp4",
} as const;

/** What `run.json` holds. */
export interface RunRecord {
  readonly version: 1;
  readonly run: RunView;
  /** The pipeline with every option in effect, as YAML; it loads again as the same pipeline. */
  readonly config: string;
}

/** Folders that are being written, and such as are being deleted. */
const UNFINISHED = ".tmp-";
const DELETED = ".del-";

/**
 * A folder of finished runs. A run is written into a folder with a temporary name, which is renamed when
 * it is whole; whatever has a temporary name when the gallery is opened was cut off, and is removed. So
 * what is listed is whole, whenever the process was killed.
 */
export class Gallery implements Disposable {
  /** The folder, absolute. */
  readonly folder: string;
  readonly #lock: Deno.FsFile;
  readonly #runs: Map<string, RunView>;

  private constructor(folder: string, lock: Deno.FsFile, runs: Map<string, RunView>) {
    this.folder = folder;
    this.#lock = lock;
    this.#runs = runs;
  }

  /**
   * Opens a gallery, making its folder where it is missing.
   *
   * @throws {UserError} where the folder cannot be used, or another studio uses it.
   */
  static async open(folder: string, warn: (message: string) => void = () => {}): Promise<Gallery> {
    let lock: Deno.FsFile | undefined;
    try {
      await Deno.mkdir(folder, { recursive: true });
      lock = await Deno.open(join(folder, ".lock"), { create: true, write: true });
      // The system lets go of it however this process ends.
      if (!await lock.tryLock(true)) {
        throw new UserError(
          `The gallery ${folder} is in use by another studio. Close that one, or name another folder.`,
        );
      }
      await clean(folder);
      return new Gallery(await Deno.realPath(folder), lock, await readRuns(folder, warn));
    } catch (cause) {
      lock?.close();
      if (cause instanceof UserError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new UserError(
        `The gallery ${folder} cannot be used: ${reason}. Name a folder that can be written.`,
        { cause },
      );
    }
  }

  /** The runs, newest first. */
  list(): RunView[] {
    return [...this.#runs.values()].sort((a, b) => a.id < b.id ? 1 : -1);
  }

  get(id: string): RunView | undefined {
    return this.#runs.get(id);
  }

  /** Path of a file of a finished run. */
  path(id: string, file: keyof typeof FILES): string {
    return join(this.folder, checked(id), FILES[file]);
  }

  /** A folder for a run that goes on. */
  async begin(id: string): Promise<Draft> {
    const folder = join(this.folder, UNFINISHED + checked(id));
    await Deno.mkdir(folder);
    return new Draft(folder, async (record) => {
      const target = join(this.folder, id);
      await writeWhole(join(folder, FILES.run), JSON.stringify(record, undefined, 2));
      await Deno.rename(folder, target);
      this.#runs.set(id, record.run);
    });
  }

  /** Deletes a run; gives whether there was one. */
  async remove(id: string): Promise<boolean> {
    if (!this.#runs.delete(checked(id))) return false;
    const doomed = join(this.folder, DELETED + id);
    // It is gone at once; that its files go takes longer, and may be cut off.
    await Deno.rename(join(this.folder, id), doomed).catch(ignoreMissing);
    await Deno.remove(doomed, { recursive: true }).catch(ignoreMissing);
    return true;
  }

  [Symbol.dispose](): void {
    this.#lock.close();
  }
}

/** The folder of a run that goes on. */
export class Draft implements AsyncDisposable {
  /** Where it writes. */
  readonly folder: string;
  readonly #publish: (record: RunRecord) => Promise<void>;
  #done = false;

  constructor(folder: string, publish: (record: RunRecord) => Promise<void>) {
    this.folder = folder;
    this.#publish = publish;
  }

  path(file: keyof typeof FILES): string {
    return join(this.folder, FILES[file]);
  }

  /** Makes the run part of the gallery. Video and poster must be there. */
  async publish(record: RunRecord): Promise<void> {
    await Deno.remove(this.path("stream")).catch(ignoreMissing);
    await this.#publish(record);
    this.#done = true;
  }

  /** Removes all, unless it was published. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    await Deno.remove(this.folder, { recursive: true }).catch(ignoreMissing);
  }
}

/** A run's id is made by the studio; what else comes here never becomes a path. */
function checked(id: string): string {
  if (!isRunId(id)) throw new RangeError(`"${id}" is no run's id.`);
  return id;
}

/** Removes what earlier processes left half-written or half-deleted, and nothing else. */
async function clean(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const prefix = [UNFINISHED, DELETED].find((each) => name.startsWith(each));
    if (prefix === undefined || !isRunId(name.slice(prefix.length))) continue;
    await Deno.remove(join(folder, name), { recursive: true }).catch(ignoreMissing);
  }
}

async function readRuns(
  folder: string,
  warn: (message: string) => void,
): Promise<Map<string, RunView>> {
  const runs = new Map<string, RunView>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory || !isRunId(name)) continue;
    try {
      const record: RunRecord = JSON.parse(await Deno.readTextFile(join(folder, name, FILES.run)));
      const { size } = await Deno.stat(join(folder, name, FILES.video));
      const { run } = record;
      if (record.version !== 1 || run?.id !== name || !Array.isArray(run.chunks)) {
        throw new TypeError(`${FILES.run} is not what this version writes`);
      }
      runs.set(name, { ...run, bytes: size });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      warn(`The run ${name} in the gallery ${folder} is left out: ${reason}.`);
    }
  }
  return runs;
}

async function writeWhole(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true, truncate: true });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.syncData();
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
