import { useEffect, useMemo } from "preact/hooks";
import { shortcutOf } from "../(_studio)/shortcuts.ts";
import { type StudioData, StudioStore } from "../(_studio)/store.ts";
import { Composer } from "../(_components)/composer.tsx";
import { Recent } from "../(_components)/recent.tsx";
import { Settings } from "../(_components)/settings.tsx";
import { Viewer } from "../(_components)/viewer.tsx";

/** The studio: write, start, watch. */
export default function Studio({ data }: { data: StudioData }) {
  const store = useMemo(() => new StudioStore(data), []);
  useEffect(() => store.open(), []);
  useEffect(() => {
    const press = (event: KeyboardEvent) => act(store, event);
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  useEffect(() => takeFiles((file) => store.begin(file)), []);
  return (
    <div class="studio">
      <Composer store={store} />
      <Viewer store={store} />
      <div class="side">
        <Settings store={store} />
        <Recent store={store} />
      </div>
    </div>
  );
}

/** Takes files that are dropped anywhere: the browser would leave the page for them. Gives what ends that. */
function takeFiles(take: (file: File) => void): () => void {
  const over = (event: DragEvent) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  };
  const drop = (event: DragEvent) => {
    const file = event.dataTransfer?.files[0];
    if (file === undefined) return;
    event.preventDefault();
    take(file);
  };
  document.addEventListener("dragover", over);
  document.addEventListener("drop", drop);
  return () => {
    document.removeEventListener("dragover", over);
    document.removeEventListener("drop", drop);
  };
}

function act(store: StudioStore, event: KeyboardEvent): void {
  const shortcut = shortcutOf(event, {
    matches: (selector) =>
      event.target instanceof Element && event.target.closest(selector) !== null,
    dialog: document.querySelector("dialog[open]") !== null,
  });
  if (shortcut === undefined) return;
  if (shortcut === "stop" && !store.active.value) return;
  event.preventDefault();
  if (shortcut === "start") store.submit();
  else if (shortcut === "stop") store.stop();
  else store.player.toggle();
}
