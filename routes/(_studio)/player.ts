/** A video that is shown while it is made, and as a file afterwards. */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { RunView } from "../../server/wire.ts";
import { Feed, rangesOf } from "./feed.ts";
import { chooseMode, followEdge } from "./live_edge.ts";
import { isOver } from "./run_events.ts";

/** What the element shows. */
export type Showing = "nothing" | "live" | "file" | "unplayable";

/** Milliseconds, at least, after which a stream that broke off is asked for again. */
const RETRY = 800;

/** Milliseconds between looks at where the player is. */
const LOOK = 200;

/** Plays a run: its stream while there is one, then its file. */
export class Player {
  readonly showing: Signal<Showing> = signal("nothing");
  readonly playing: Signal<boolean> = signal(false);
  readonly time: Signal<number> = signal(0);
  /** Seconds of the video; of an endless one so far. */
  readonly duration: Signal<number> = signal(0);
  /** Seconds that are here. */
  readonly made: Signal<number> = signal(0);
  /** Whether it stays near the newest picture of an endless run. */
  readonly following: Signal<boolean> = signal(true);
  /** Whether there is no picture at the moment although there should be. */
  readonly waiting: Signal<boolean> = signal(false);
  readonly loop: Signal<boolean> = signal(false);
  /** Whether there is a picture, or will be at once. */
  readonly playable: ReadonlySignal<boolean> = computed(() =>
    this.showing.value === "file" || (this.showing.value === "live" && this.made.value > 0)
  );

  #video: HTMLVideoElement | undefined;
  #run: RunView | undefined;
  #feed: Feed | undefined;
  #type = Promise.withResolvers<string>();
  #detach = new AbortController();
  /** When the stream broke off, in milliseconds; absent while it is well. */
  #lostAt: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Takes an element; gives what lets go of it. */
  attach(video: HTMLVideoElement): () => void {
    this.#video = video;
    this.#detach = new AbortController();
    this.loop.value = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const on = (type: string, call: () => void) =>
      video.addEventListener(type, call, { signal: this.#detach.signal });
    on("play", () => this.playing.value = true);
    on("pause", () => this.playing.value = false);
    on("timeupdate", () => this.#look());
    on("progress", () => this.#look());
    on("seeked", () => this.#look());
    on("durationchange", () => this.#look());
    on("waiting", () => this.#wait(true));
    on("playing", () => this.#wait(false));
    on("loadeddata", () => this.#wait(false));
    on("ended", () => this.#ended());
    this.#timer = setInterval(() => this.#look(), LOOK);
    this.#countPictures(video);
    const run = this.#run;
    this.#run = undefined;
    if (run !== undefined) this.show(run);
    return () => {
      clearInterval(this.#timer);
      this.#detach.abort();
      this.#close();
      this.#video = undefined;
    };
  }

  /** Shows a run; called again whenever it has changed. `play` begins a finished one at once. */
  show(run: RunView | undefined, { play = false } = {}): void {
    const before = this.#run;
    this.#run = run;
    if (this.#video === undefined) return;
    if (run === undefined) return this.#clear();
    if (run.mediaType !== undefined) this.#type.resolve(run.mediaType);
    if (run.id !== before?.id) {
      this.#clear();
      if (run.video !== undefined) return this.#showFile(run, { play });
      if (!isOver(run.state) && run.stream !== undefined) return this.#showStream(run);
      return;
    }
    if (run.video !== undefined && this.showing.value !== "file") {
      // What is live plays to its end first.
      if (this.showing.value !== "live" || this.#feed === undefined) {
        this.#showFile(run, { play: true });
      } else this.#look();
    } else if (isOver(run.state) && run.video === undefined) {
      this.#close();
      this.pause();
    } else if (this.#lostAt !== undefined && performance.now() - this.#lostAt > RETRY) {
      // Whoever watches the run knows that it goes on: its stream can be had again.
      this.#clear();
      this.#showStream(run);
    }
    if (play) this.play();
  }

  /** Asks for the stream again: the page was away. */
  rejoin(): void {
    const run = this.#run;
    if (run === undefined || this.showing.value !== "live" || isOver(run.state)) return;
    this.#clear();
    this.#showStream(run);
  }

  play(): void {
    const video = this.#video;
    if (video === undefined || this.showing.value === "nothing") return;
    if (video.ended) video.currentTime = 0;
    // Refused where the browser wants a click first; the button is there.
    video.play().catch(() => this.playing.value = false);
  }

  pause(): void {
    this.#video?.pause();
  }

  toggle(): void {
    if (this.#video?.paused ?? true) this.play();
    else this.pause();
  }

  /** Goes to a time, in seconds. */
  seek(time: number): void {
    const video = this.#video;
    if (video === undefined) return;
    const end = rangesOf(video.buffered).at(-1)?.end ?? 0;
    const live = this.showing.value === "live";
    if (live) this.following.value = time > end - 1;
    video.currentTime = live ? Math.min(time, Math.max(0, end - 0.05)) : time;
    this.time.value = video.currentTime;
  }

  /** Back to the newest picture. */
  goLive(): void {
    const video = this.#video;
    if (video === undefined) return;
    this.following.value = true;
    const end = rangesOf(video.buffered).at(-1)?.end;
    if (end !== undefined) video.currentTime = Math.max(0, end - 0.5);
    this.play();
  }

  toggleLoop(): void {
    this.loop.value = !this.loop.value;
    if (this.#video !== undefined && this.showing.value === "file") {
      this.#video.loop = this.loop.value;
    }
  }

  #showStream(run: RunView): void {
    const video = this.#video!;
    const type = run.mediaType ?? 'video/mp4; codecs="avc1.64000a"';
    const mode = chooseMode(type, {
      source: (type) => "MediaSource" in globalThis && MediaSource.isTypeSupported(type),
      direct: (type) => video.canPlayType(type),
    });
    if (mode === "wait") {
      this.showing.value = "unplayable";
      return;
    }
    this.showing.value = "live";
    this.following.value = true;
    this.#wait(true);
    video.loop = false;
    if (mode === "direct") {
      video.src = run.stream!;
    } else {
      const { id } = run;
      this.#feed = new Feed(video, run.stream!, this.#type.promise, {
        ended: () => this.#look(),
        lost: () => this.#lost(id),
        unplayable: () => this.showing.value = "unplayable",
      });
    }
    this.play();
  }

  #showFile(run: RunView, { play }: { play: boolean }): void {
    const video = this.#video!;
    this.#close();
    this.showing.value = "file";
    video.poster = run.poster ?? "";
    video.playbackRate = 1;
    video.loop = this.loop.value;
    video.src = run.video!;
    this.#wait(false);
    if (play) this.play();
  }

  #lost(id: string): void {
    if (this.#run?.id !== id) return;
    this.#feed = undefined;
    this.#lostAt = performance.now();
  }

  #ended(): void {
    const run = this.#run;
    this.#wait(false);
    if (this.showing.value === "live" && run?.video !== undefined) {
      this.#showFile(run, { play: this.loop.value });
    }
  }

  /** Moves the time line with each picture, where the browser tells of them. */
  #countPictures(video: HTMLVideoElement): void {
    if (this.#video !== video || !("requestVideoFrameCallback" in video)) return;
    video.requestVideoFrameCallback((_, { mediaTime }) => {
      if (this.showing.value !== "nothing" && !video.seeking) this.time.value = mediaTime;
      this.#countPictures(video);
    });
  }

  /** Sees where the player is, and puts it right. */
  #look(): void {
    const video = this.#video;
    if (video === undefined || this.showing.value === "nothing") return;
    const live = this.showing.value === "live";
    const ranges = rangesOf(video.buffered);
    if (live && !video.seeking) {
      const following = this.following.value && (this.#run?.endless ?? false);
      const { seek, rate } = followEdge({ time: video.currentTime, ranges, following });
      if (seek !== undefined) video.currentTime = seek;
      if (video.playbackRate !== rate) video.playbackRate = rate;
      // A stream that was stopped before anything more came has its end where it is.
      if (video.ended) this.#ended();
    }
    batch(() => {
      this.time.value = video.currentTime;
      this.duration.value = this.#length(video, ranges.at(-1)?.end ?? 0);
      this.made.value = live ? ranges.at(-1)?.end ?? 0 : this.duration.value;
    });
  }

  #length(video: HTMLVideoElement, end: number): number {
    const { framesTotal, fps, state } = this.#run ??
      { framesTotal: null, fps: 16, state: "queued" };
    if (this.showing.value === "file") {
      return Number.isFinite(video.duration) ? video.duration : end;
    }
    if (framesTotal !== null && framesTotal > 0 && !isOver(state)) return framesTotal / fps;
    return end;
  }

  #wait(waiting: boolean): void {
    this.waiting.value = waiting;
  }

  #close(): void {
    this.#feed?.close();
    this.#feed = undefined;
    this.#lostAt = undefined;
    this.waiting.value = false;
  }

  #clear(): void {
    this.#close();
    this.#type = Promise.withResolvers();
    if (this.#run?.mediaType !== undefined) this.#type.resolve(this.#run.mediaType);
    const video = this.#video;
    if (video !== undefined && video.hasAttribute("src")) {
      video.removeAttribute("src");
      video.removeAttribute("poster");
      video.load();
    }
    batch(() => {
      this.showing.value = "nothing";
      this.playing.value = false;
      this.time.value = 0;
      this.duration.value = 0;
      this.made.value = 0;
    });
  }
}
