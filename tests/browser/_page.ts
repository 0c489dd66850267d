/** The studio's page, by what a person sees of it. */
import type { Locator, Page } from "playwright-core";
import type { RunView } from "../../server/wire.ts";

/** An entry of the layout-shift performance observer. */
interface LayoutShift {
  readonly value: number;
  readonly hadRecentInput: boolean;
  readonly sources: readonly { readonly node: Node | null }[];
}

/** Presses of Tab after which nothing more is to be reached. */
const TABS = 80;

/** The page on which videos are made. */
export class StudioPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  get prompt(): Locator {
    return this.page.getByLabel("Prompt", { exact: true });
  }

  get start(): Locator {
    return this.page.getByRole("button", { name: "Start", exact: true });
  }

  get change(): Locator {
    return this.page.getByRole("button", { name: "Change prompt" });
  }

  get stop(): Locator {
    return this.page.getByRole("button", { name: "Stop", exact: true });
  }

  get seed(): Locator {
    return this.page.getByLabel("Seed", { exact: true });
  }

  get video(): Locator {
    return this.page.locator("video");
  }

  /** Goes to the page and waits until it is alive. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.alive();
  }

  async alive(): Promise<void> {
    await this.page.locator('form[data-live="yes"]').waitFor();
  }

  async setEndless(on: boolean): Promise<void> {
    await this.page.getByRole("switch", { name: "Endless" }).setChecked(on, { force: true });
  }

  /** Waits until the video has played to a time, in seconds; gives where it is then. */
  async playedTo(seconds: number): Promise<number> {
    const handle = await this.page.waitForFunction((seconds) => {
      const time = document.querySelector("video")?.currentTime ?? 0;
      return time >= seconds ? time : false;
    }, seconds);
    return await handle.jsonValue() as number;
  }

  /** Waits until the video has moved on from where it is. */
  async moves(): Promise<void> {
    await this.page.waitForFunction(() => !!document.querySelector("video")?.currentTime);
    const now = await this.time();
    await this.page.waitForFunction(
      (now) => document.querySelector("video")!.currentTime > now + 0.2,
      now,
    );
  }

  /** Where the video is, in seconds. */
  async time(): Promise<number> {
    return await this.video.evaluate((video: HTMLVideoElement) => video.currentTime);
  }

  /** How long the video is, in seconds. */
  async length(): Promise<number> {
    return await this.video.evaluate((video: HTMLVideoElement) => video.duration);
  }

  /** Waits until something holds. */
  async until(holds: () => Promise<boolean>, otherwise: string): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      if (await holds()) return;
      await this.page.waitForTimeout(100);
    }
    throw new Error(otherwise);
  }

  /** Seconds from the next click to the first picture that is shown of a new video. */
  firstPicture(): Promise<number> {
    return this.page.evaluate(async () => {
      const video = document.querySelector("video")!;
      const shown = () =>
        new Promise<void>((resolve) => video.requestVideoFrameCallback(() => resolve()));
      const emptied = new Promise((resolve) =>
        video.addEventListener("loadstart", resolve, { once: true })
      );
      const clicked = await new Promise<number>((resolve) =>
        document.addEventListener("click", () => resolve(performance.now()), { once: true })
      );
      await emptied;
      await shown();
      return (performance.now() - clicked) / 1000;
    });
  }

  /** Begins to note what moves by itself. */
  async watchShifts(): Promise<void> {
    await this.page.evaluate(() => {
      const found: string[] = [];
      Object.assign(globalThis, { shifts: found });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as unknown as LayoutShift[]) {
          if (entry.hadRecentInput || entry.value < 0.001) continue;
          const names = entry.sources.map(({ node }) => (node as Element)?.className);
          found.push(`${entry.value.toFixed(4)} ${names.join(", ")}`);
        }
      }).observe({ type: "layout-shift" });
    });
  }

  /** What has moved by itself since. */
  async shifts(): Promise<string[]> {
    return await this.page.evaluate(() =>
      (globalThis as unknown as { shifts: string[] }).shifts.splice(0)
    );
  }

  /** The newest run, or the one of this id, as the API has it; there must be one. */
  async run(url: string, id?: string): Promise<RunView> {
    if (id !== undefined) return await (await fetch(`${url}api/runs/${id}`)).json();
    const { runs: [run] } = await (await fetch(`${url}api/runs?limit=1`)).json();
    return run;
  }

  /** Mean red, green and blue of the lowest eighth of the picture, 0 … 255. */
  async colour(): Promise<[number, number, number]> {
    return await this.page.evaluate(() => {
      const video = document.querySelector("video")!;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 16;
      const pen = canvas.getContext("2d")!;
      pen.drawImage(video, 0, 0, 16, 16);
      const { data } = pen.getImageData(0, 14, 16, 2);
      const sums: [number, number, number] = [0, 0, 0];
      for (let i = 0; i < data.length; i += 4) {
        for (const c of [0, 1, 2] as const) sums[c] += data[i + c]! / 32;
      }
      return sums;
    });
  }

  /** Presses Tab until an element has the focus that the test likes: `tag#id text`. */
  async tabTo(likes: (element: string) => boolean): Promise<void> {
    const seen: string[] = [];
    for (let i = 0; i < TABS; i++) {
      await this.page.keyboard.press("Tab");
      const element = await this.page.evaluate(() => {
        const { tagName, id, textContent, ariaLabel } = document.activeElement as HTMLElement;
        const name = `${tagName.toLowerCase()}${id === "" ? "" : `#${id}`}`;
        return tagName === "TEXTAREA" ? name : `${name} ${ariaLabel ?? textContent ?? ""}`.trim();
      });
      if (likes(element)) return;
      seen.push(element);
    }
    throw new Error(`the keyboard does not reach it; it reaches\n${seen.join("\n")}`);
  }
}
