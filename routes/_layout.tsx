import { define } from "../server/state.ts";
import { Mark } from "./(_components)/mark.tsx";
import Health from "./(_islands)/Health.tsx";
import Toasts from "./(_islands)/Toasts.tsx";

const PAGES = [
  ["/", "Studio"],
  ["/gallery", "Gallery"],
  ["/pipelines", "Pipelines"],
] as const;

export default define.layout(function Layout({ Component, url }) {
  return (
    <>
      <a class="skip" href="#main">Skip to the content</a>
      <header class="top">
        <a class="brand" href="/" aria-label="Sluice, to the studio">
          <Mark /> <span>Sluice</span>
        </a>
        <nav aria-label="Pages">
          {PAGES.map(([path, name]) => (
            <a key={path} href={path} aria-current={url.pathname === path ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <Health />
      </header>
      <main id="main" tabIndex={-1}>
        <Component />
      </main>
      <Toasts />
    </>
  );
});
