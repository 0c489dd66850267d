/** What axe finds wrong with a page. */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** Violations, a line each: the rule, what it asks for, where. None is what a page should have. */
export async function violations(page: Page): Promise<string[]> {
  // Evaluated from outside, which no policy of the page forbids.
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) =>
        `${id}: ${help} (${target.join(" ")}) ${failureSummary?.split("\n").at(-1)?.trim() ?? ""}`
      )
    );
  });
}
