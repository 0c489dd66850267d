import { dirname, join } from "@std/path";
import { UserError } from "../../pipeline/errors.ts";

/** Answers by question: the latest in memory and, given a folder, on disk. */
export class AnswerCache {
  readonly #answers = new Map<string, string>();
  readonly #capacity: number;
  readonly #path: string | undefined;
  #loaded = false;

  /**
   * @param folder made when the first answer is stored; without one nothing is read or written
   */
  constructor(options: { readonly folder?: string | undefined; readonly capacity: number }) {
    this.#capacity = options.capacity;
    this.#path = options.folder === undefined
      ? undefined
      : join(options.folder, "extend-prompt.json");
  }

  /** What identifies a question: a digest of everything that shapes the answer. */
  static async key(...parts: readonly unknown[]): Promise<string> {
    const bytes = new TextEncoder().encode(JSON.stringify(parts));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  async get(key: string): Promise<string | undefined> {
    await this.#load();
    const answer = this.#answers.get(key);
    if (answer !== undefined) {
      // A map keeps the order of insertion: what is used moves to the end, the oldest goes first.
      this.#answers.delete(key);
      this.#answers.set(key, answer);
    }
    return answer;
  }

  /** @throws {UserError} if the folder cannot be written */
  async set(key: string, answer: string): Promise<void> {
    await this.#load();
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= this.#capacity) break;
      this.#answers.delete(oldest);
    }
    await this.#store();
  }

  async #load(): Promise<void> {
    if (this.#loaded || this.#path === undefined) return;
    this.#loaded = true;
    try {
      const stored: unknown = JSON.parse(await Deno.readTextFile(this.#path));
      if (!Array.isArray(stored)) return;
      for (const entry of stored) {
        if (!Array.isArray(entry) || entry.some((part) => typeof part !== "string")) continue;
        this.#answers.set(entry[0], entry[1]);
      }
    } catch (error) {
      // Absent or damaged: a cache may always be empty.
      if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return;
      throw unusable(this.#path, error);
    }
  }

  async #store(): Promise<void> {
    if (this.#path === undefined) return;
    const temporary = `${this.#path}.${crypto.randomUUID().slice(0, 8)}.part`;
    try {
      await Deno.mkdir(dirname(this.#path), { recursive: true });
      await Deno.writeTextFile(temporary, JSON.stringify([...this.#answers]));
      await Deno.rename(temporary, this.#path);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw unusable(this.#path, error);
    }
  }
}

function unusable(path: string, error: unknown): UserError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError(
    `Answers cannot be kept in ${path}: ${reason}. Change cache-directory, or leave it out.`,
    { cause: error },
  );
}
