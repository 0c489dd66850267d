/** Pictures and clips that were sent here for runs to begin with: kept for a while, under names of our own. */
import { join } from "@std/path";
import { UserError } from "../pipeline/errors.ts";
import { writeJpeg } from "./media_file.ts";
import { fieldProblem, ProblemError } from "./problem.ts";
import { writeBody } from "./upload_body.ts";
import { drawUploadId, isUploadId } from "./upload_id.ts";
import type { UploadView } from "./wire.ts";

/** Milliseconds that an upload is kept which nobody asks for. */
const KEPT = 3600_000;

/** Uploads at most that no run needs: with more, those that were not asked for longest go. */
const MOST = 16;

/** Uploads that are received at a time. */
const RECEIVED = 4;

/** Longest side of the small pictures, in pixels. */
const POSTER_SIDE = 480;

/** What an upload is, by its main type. */
const WHATS: Readonly<Record<string, "picture" | "clip">> = { image: "picture", video: "clip" };

/** Ends of the names of an upload's files: the file itself, its small picture, and what is not whole yet. */
const ENDS = ["", ".jpg", ".part"] as const;

interface Entry {
  readonly view: UploadView;
  /** When it was last asked for, in milliseconds since 1970. */
  used: number;
  /** Runs that need it. */
  holds: number;
  /** Whether it is to go as soon as no run needs it. */
  gone: boolean;
}

/** An upload that stays until it is given back. */
export interface HeldUpload extends Disposable {
  /** Of its file. */
  readonly path: string;
}

/**
 * A folder of uploads: earlier ones are removed when it is opened, and the folder when it is closed. In between an
 * upload appears when it is whole and was seen to be a picture or a clip.
 */
export class Uploads implements AsyncDisposable {
  readonly #folder: string;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new AbortController();
  readonly #receiving = new Set<Promise<unknown>>();
  /** Settled while no file is decoded: a large picture takes hundreds of megabytes. */
  #looking: Promise<unknown> = Promise.resolve();
  #sweeping: ReturnType<typeof setTimeout> | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens a folder, and removes what an earlier process left in it. It is made when something is to be kept. */
  static async open(folder: string): Promise<Uploads> {
    await clean(folder).catch(ignoreMissing);
    return new Uploads(folder);
  }

  /**
   * Takes a picture or clip out of the body of a request.
   *
   * @throws {ProblemError} 400, 413, 415, 422 or 503; then nothing of it is left.
   */
  async receive(request: Request): Promise<UploadView> {
    const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
    const what = WHATS[type.split("/")[0]!];
    if (what === undefined) {
      throw new ProblemError(
        "media-type",
        `Expected a body of image/… or video/…, got ${type || "none"}.`,
      );
    }
    if (this.#closing.signal.aborted) throw closing();
    if (this.#receiving.size >= RECEIVED) {
      throw new ProblemError("unavailable", "Other files are being sent: try again.", {
        headers: { "retry-after": "2" },
      });
    }
    const receiving = this.#take(request, what);
    this.#receiving.add(receiving);
    try {
      return await receiving;
    } finally {
      this.#receiving.delete(receiving);
    }
  }

  /** An upload by its id; asking keeps it. */
  get(id: string): UploadView | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.gone) return undefined;
    entry.used = Date.now();
    return entry.view;
  }

  /** Path of the small picture of an upload that is there. */
  poster(id: string): string {
    if (!this.#entries.has(id)) throw new RangeError(`"${id}" is no upload's id.`);
    return this.#path(id, ".jpg");
  }

  /** Keeps an upload for a run until that gives it back; undefined where there is none. */
  hold(id: string): HeldUpload | undefined {
    if (this.get(id) === undefined) return undefined;
    const entry = this.#entries.get(id)!;
    entry.holds++;
    let held = true;
    return {
      path: this.#path(id),
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        entry.holds--;
        entry.used = Date.now();
        // What cannot be removed now goes when the folder does.
        if (entry.gone) this.remove(id).catch(() => {});
      },
    };
  }

  /** Removes an upload, at once for whoever asks; its files go when no run needs them. Gives whether there was one. */
  async remove(id: string): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    const asked = !entry.gone;
    entry.gone = true;
    if (entry.holds > 0) return asked;
    this.#entries.delete(id);
    await this.#clear(id);
    return asked;
  }

  /** Removes what nobody has asked for in a while. @param now milliseconds since 1970 */
  async sweep(now: number = Date.now()): Promise<void> {
    clearTimeout(this.#sweeping);
    const unused = [...this.#entries].filter(([, { holds }]) => holds === 0)
      .sort(([, a], [, b]) => b.used - a.used);
    const old = unused.filter(([, { used }], i) => i >= MOST || now - used >= KEPT);
    await Promise.all(old.map(([id]) => this.remove(id)));
    if (this.#entries.size > 0 && !this.#closing.signal.aborted) {
      this.#sweeping = setTimeout(() => this.sweep().catch(() => {}), KEPT / 4);
    }
  }

  /** Ends what is being received, and removes all. Runs must have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(closing());
    clearTimeout(this.#sweeping);
    await Promise.allSettled(this.#receiving);
    this.#entries.clear();
    await clean(this.#folder).catch(ignoreMissing);
    // What somebody else has put there stays.
    await Deno.remove(this.#folder).catch(() => {});
  }

  async #take(request: Request, what: "picture" | "clip"): Promise<UploadView> {
    const id = drawUploadId();
    const part = this.#path(id, ".part");
    const { signal } = this.#closing;
    try {
      await Deno.mkdir(this.#folder, { recursive: true });
      const bytes = await writeBody(request, part, signal);
      const looking = this.#looking.then(() => this.#look(id, part, { what, bytes }));
      this.#looking = looking.catch(() => {});
      const view = await looking;
      await Deno.rename(part, this.#path(id));
      signal.throwIfAborted();
      this.#entries.set(id, { view, used: Date.now(), holds: 0, gone: false });
      this.sweep().catch(() => {});
      return view;
    } catch (error) {
      await this.#clear(id);
      throw error;
    }
  }

  /** What was received; writes its small picture. */
  async #look(
    id: string,
    path: string,
    { what, bytes }: { what: "picture" | "clip"; bytes: number },
  ): Promise<UploadView> {
    // Only here: it brings the built-in plugins, which a studio of others' plugins has no need of.
    const { inspectPicture } = await import("../mod.ts");
    const { signal } = this.#closing;
    try {
      const seen = await inspectPicture(path, { what, side: POSTER_SIDE, signal });
      const { small, ...found } = seen;
      await writeJpeg(this.#path(id, ".jpg"), small);
      return { id, bytes, ...found, poster: `/api/uploads/${id}/poster` };
    } catch (cause) {
      if (!(cause instanceof UserError)) throw cause;
      throw fieldProblem("", cause.message.replaceAll(path, "The file"));
    }
  }

  /** An upload's id is made here; what else comes never becomes a path. */
  #path(id: string, end: typeof ENDS[number] = ""): string {
    if (!isUploadId(id)) throw new RangeError(`"${id}" is no upload's id.`);
    return join(this.#folder, id + end);
  }

  async #clear(id: string): Promise<void> {
    await Promise.all(ENDS.map((end) => Deno.remove(this.#path(id, end)).catch(ignoreMissing)));
  }
}

async function clean(folder: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    const end = ENDS.findLast((end) => name.endsWith(end)) ?? "";
    const ours = isFile && isUploadId(name.slice(0, name.length - end.length));
    if (ours) await Deno.remove(join(folder, name));
  }
}

function closing(): ProblemError {
  return new ProblemError("unavailable", "The studio is closing.");
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
