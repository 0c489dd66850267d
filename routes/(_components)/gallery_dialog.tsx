/** A video of the gallery, large. */
import { useEffect, useRef } from "preact/hooks";
import { formatBytes, formatRate, formatSeconds } from "../(_studio)/format.ts";
import type { GalleryStore } from "../(_studio)/gallery_store.ts";
import { IconButton } from "./controls.tsx";
import { Screen } from "./screen.tsx";
import { Transport } from "./transport.tsx";

/** Opens while there is a video to show, and closes by Escape or a click beside it. */
export function GalleryDialog({ store }: { store: GalleryStore }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const run = store.open.value;
  const open = run !== undefined;
  useEffect(() => {
    if (open && !dialog.current!.open) dialog.current!.showModal();
    if (!open && dialog.current!.open) dialog.current!.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      class="lightbox"
      aria-label={run?.prompt ?? "Video"}
      onClose={() => store.close()}
      onClick={(event) => event.target === dialog.current && store.close()}
    >
      <div class="lightbox-body">
        <div class="lightbox-head">
          <h2>{run?.prompt}</h2>
          <IconButton icon="close" label="Close" onClick={() => store.close()} />
        </div>
        <div class="theatre" ref={frame}>
          <Screen player={store.player} run={run} />
          <Transport
            player={store.player}
            run={run}
            onFull={() => {
              if (document.fullscreenElement === null) frame.current?.requestFullscreen();
              else document.exitFullscreen();
            }}
          />
        </div>
        {run !== undefined && (
          <p class="muted small number">
            {[
              run.pipeline,
              `seed ${run.seed}`,
              run.width === undefined ? "" : `${run.width} × ${run.height}`,
              `${run.frames} pictures`,
              run.firstFrameSeconds === undefined
                ? ""
                : `first picture after ${formatSeconds(run.firstFrameSeconds)}`,
              run.realTimeFactor === undefined
                ? ""
                : `${formatRate(run.realTimeFactor)} × real time`,
              run.bytes === undefined ? "" : formatBytes(run.bytes),
            ].filter(Boolean).join(" · ")}
          </p>
        )}
        <div class="lightbox-actions">
          <a class="button" href={run === undefined ? "/" : `/?from=${run.id}`}>Go on from this</a>
          <a class="link" href={run === undefined ? "/" : `/?reuse=${run.id}`}>
            Use these settings
          </a>
          <button
            type="button"
            class="secondary"
            onClick={() => run !== undefined && store.remove(run)}
          >
            Delete
          </button>
        </div>
      </div>
    </dialog>
  );
}
