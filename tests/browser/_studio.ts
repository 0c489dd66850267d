/** A studio in a process of its own, as the user starts it. */
const root = new URL("../../", import.meta.url).pathname;

/** The words of the task `ui` after `deno`, permissions and all. */
function taskWords(): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${root}deno.json`));
  return tasks.ui.command.split(" ").slice(1);
}

/** A studio that runs. */
export class StudioProcess implements AsyncDisposable {
  /** Where it is, with a slash at the end. */
  readonly url: string;
  readonly gallery: string;
  readonly #child: Deno.ChildProcess;
  readonly #errors: { text: string };
  /** Whether the gallery goes with it. */
  readonly #temporary: boolean;

  private constructor(
    url: string,
    gallery: string,
    temporary: boolean,
    child: Deno.ChildProcess,
    errors: { text: string },
  ) {
    this.url = url;
    this.gallery = gallery;
    this.#temporary = temporary;
    this.#child = child;
    this.#errors = errors;
  }

  /** Starts one; without a gallery it gets an empty one that is removed with it. */
  static async start({ gallery, port = 0 }: { gallery?: string; port?: number } = {}) {
    const folder = gallery ?? await Deno.makeTempDir({ prefix: "sluice-gallery-" });
    const child = new Deno.Command(Deno.execPath(), {
      args: [...taskWords(), "--port", String(port), "--gallery", folder],
      cwd: root,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = { text: "" };
    gather(child.stderr, (text) => errors.text += text);
    const url = await new Promise<string | undefined>((resolve) => {
      let out = "";
      gather(child.stdout, (text) => {
        const [, found] = (out += text).match(/^Studio: (\S+)$/m) ?? [];
        if (found !== undefined) resolve(found);
      });
      child.status.then(() => resolve(undefined));
    });
    if (url === undefined) throw new Error(`the studio did not start:\n${errors.text}`);
    return new StudioProcess(url, folder, gallery === undefined, child, errors);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** What it wrote to standard error. */
  get errors(): string {
    return this.#errors.text;
  }

  /** Asks the API. */
  async ask(path: string, init?: RequestInit): Promise<Response> {
    return await fetch(new URL(path, this.url), init);
  }

  /** Waits until the model is loaded. */
  async ready(): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      const response = await this.ask("/api/health/ready");
      await response.body?.cancel();
      if (response.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the studio did not become ready:\n${this.errors}`);
  }

  /** Deletes all runs. */
  async clear(): Promise<void> {
    for (;;) {
      const { runs } = await (await this.ask("api/runs")).json();
      if (runs.length === 0) return;
      for (const { id } of runs) {
        const response = await this.ask(`api/runs/${id}`, { method: "DELETE" });
        await response.body?.cancel();
      }
    }
  }

  /** Ends it with a signal, and gives its exit code. */
  async end(signal: Deno.Signal): Promise<number> {
    this.#child.kill(signal);
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose]() {
    try {
      await this.end("SIGTERM");
    } catch {
      // It has ended before.
    }
    if (this.#temporary) await Deno.remove(this.gallery, { recursive: true });
  }
}

async function gather(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (text: string) => void,
) {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
