/** `fresh/runtime`: what pages and islands may import, on either side. */
import type { ComponentChildren } from "preact";

/** Whether the code runs in a browser. */
export const IS_BROWSER: boolean = typeof document !== "undefined";

let heads: ComponentChildren[] | undefined;

/** Adds its children to the page's `<head>`; a `<title>` takes the place of the app's. */
export function Head({ children }: { children?: ComponentChildren }): null {
  heads?.push(children);
  return null;
}

/** Runs a function and gathers in `into` what `Head` was given meanwhile. */
export function collectHead<T>(into: ComponentChildren[], render: () => T): T {
  heads = into;
  try {
    return render();
  } finally {
    heads = undefined;
  }
}
