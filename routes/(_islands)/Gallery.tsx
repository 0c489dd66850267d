import { useEffect, useMemo } from "preact/hooks";
import type { RunsPage } from "../../server/wire.ts";
import { GalleryStore } from "../(_studio)/gallery_store.ts";
import { shortcutOf } from "../(_studio)/shortcuts.ts";
import { GalleryCard } from "../(_components)/gallery_card.tsx";
import { GalleryDialog } from "../(_components)/gallery_dialog.tsx";

/** Every finished video. */
export default function Gallery({ page }: { page: RunsPage }) {
  const store = useMemo(() => new GalleryStore(page), []);
  useEffect(() => store.start(), []);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const matches = (selector: string) =>
        event.target instanceof Element && event.target.closest(selector) !== null;
      if (store.open.value === undefined) return;
      if (shortcutOf(event, { matches, dialog: true }) !== "play") return;
      event.preventDefault();
      store.player.toggle();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  const runs = store.shown.value;
  const filtered = store.filter.value.trim() !== "";
  return (
    <>
      <div class="page-head">
        <h1>Gallery</h1>
        <div class="search">
          <label class="unseen" for="filter">Find by prompt</label>
          <input
            id="filter"
            type="search"
            placeholder="Find by prompt"
            value={store.filter.value}
            onInput={(event) => store.filter.value = event.currentTarget.value}
          />
        </div>
      </div>
      {runs.length === 0 && <Empty filtered={filtered} />}
      <ul class="gallery">
        {runs.map((run) => <GalleryCard key={run.id} run={run} store={store} />)}
      </ul>
      {store.next.value !== undefined && (
        <p class="more">
          <button
            type="button"
            class="secondary"
            disabled={store.loading.value}
            onClick={() => store.more()}
          >
            Show older ones
          </button>
        </p>
      )}
      <GalleryDialog store={store} />
    </>
  );
}

function Empty({ filtered }: { filtered: boolean }) {
  return (
    <div class="empty">
      <p>{filtered ? "No video here has these words in its prompt." : "No videos yet."}</p>
      {!filtered && <a class="button" href="/">Make the first one</a>}
    </div>
  );
}
