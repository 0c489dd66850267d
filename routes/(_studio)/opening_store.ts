/** Choosing what a video begins with: sending files, and losing what is gone. */
import { type Signal, signal } from "@preact/signals";
import type { RunView } from "../../server/wire.ts";
import { messageOf, type StudioClient } from "./client.ts";
import {
  type FormOpening,
  isUpload,
  openingOfRun,
  openingOfUpload,
  refuseFile,
} from "./opening.ts";

/** The part of the form that is about the opening. */
export interface OpeningForm {
  readonly opening: FormOpening | undefined;
}

/** Sends files and writes into the form what they became. */
export class OpeningStore {
  /** Name of the file that is on its way. */
  readonly sending: Signal<string | undefined> = signal(undefined);
  /** Why there is none. */
  readonly error: Signal<string | undefined> = signal(undefined);
  readonly #client: StudioClient;
  readonly #get: () => FormOpening | undefined;
  readonly #set: (change: OpeningForm) => void;
  #abort: AbortController | undefined;

  constructor(
    client: StudioClient,
    form: {
      readonly get: () => FormOpening | undefined;
      readonly set: (change: OpeningForm) => void;
    },
  ) {
    this.#client = client;
    this.#get = form.get;
    this.#set = form.set;
  }

  /** Sends a file; what was there before stays until it has arrived. */
  async send(file: File): Promise<void> {
    this.error.value = refuseFile(file);
    if (this.error.value !== undefined) return;
    this.#abort?.abort();
    const abort = this.#abort = new AbortController();
    this.sending.value = file.name;
    try {
      const upload = await this.#client.upload(file, abort.signal);
      if (abort.signal.aborted) return this.#forget(upload);
      this.#replace(openingOfUpload(upload, file.name));
    } catch (error) {
      if (!abort.signal.aborted) this.error.value = messageOf(error);
    } finally {
      if (this.#abort === abort) this.sending.value = undefined;
    }
  }

  /** Goes on from a video of the gallery. */
  goOn(run: RunView): void {
    this.#stop();
    this.#replace(openingOfRun(run));
  }

  /** Begins with nothing, and ends what is on its way. */
  remove(): void {
    this.#stop();
    this.#replace(undefined);
  }

  /** How much of the clip is changed; nothing goes on from its end. */
  setStrength(strength: number | undefined): void {
    const opening = this.#get();
    if (opening === undefined) return;
    const { strength: _, ...rest } = opening;
    this.#set({ opening: { ...rest, ...(strength !== undefined && { strength }) } });
  }

  /** Looks whether what a form has from an earlier run is still there; where not, the form loses it. */
  async check(): Promise<void> {
    const opening = this.#get();
    if (opening === undefined) return;
    const { id } = opening;
    try {
      const upload = isUpload(opening) ? await this.#client.findUpload(id) : undefined;
      const run = isUpload(opening) ? undefined : await this.#client.findRun(id);
      if (this.#get()?.id !== id) return;
      if (upload !== undefined) return this.#know(openingOfUpload(upload, opening.label));
      if (run?.video !== undefined) return this.#know(openingOfRun(run));
      this.#set({ opening: undefined });
      this.error.value = `${
        opening.kind === "image" ? "The picture" : "The clip"
      } that it began with is not kept any more: choose it again.`;
    } catch {
      // Whether it is there is seen when the run starts.
    }
  }

  /** Learns more of what the form has already. */
  #know(opening: FormOpening): void {
    const { kind, strength } = this.#get()!;
    this.#set({ opening: { ...opening, kind, ...(strength !== undefined && { strength }) } });
  }

  #replace(opening: FormOpening | undefined): void {
    this.error.value = undefined;
    this.#set({ opening });
  }

  /** Nobody waits for an upload that was given up. Others are left: an earlier run may need them again. */
  #forget({ id }: { readonly id: string }): void {
    this.#client.deleteUpload(id).catch(() => {});
  }

  #stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.sending.value = undefined;
  }
}
