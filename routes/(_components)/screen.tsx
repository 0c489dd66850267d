/** The picture, and what is said in its place while there is none. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { RunView } from "../../server/wire.ts";
import { formatOrdinal } from "../(_studio)/format.ts";
import type { Health } from "../(_studio)/health.ts";
import type { Player } from "../(_studio)/player.ts";
import { Icon } from "./icons.tsx";

/** A frame of a fixed shape, so that nothing moves when pictures come. */
export function Screen(
  { player, run, health, children }: {
    player: Player;
    run: RunView | undefined;
    health?: Health;
    children?: ComponentChildren;
  },
) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => player.attach(video.current!), [player]);
  const notice = noticeOf(run, player, health);
  const empty = player.showing.value === "nothing";
  return (
    <div class="screen">
      <video
        ref={video}
        class={empty ? "picture hidden" : "picture"}
        width={run?.width ?? 128}
        height={run?.height ?? 128}
        aria-label={run === undefined ? "Video" : `Video: ${run.prompt}`}
        muted
        playsInline
        preload="metadata"
        disablePictureInPicture
        onClick={() => player.toggle()}
      />
      {notice !== undefined && (
        <div class={empty ? "notice" : "notice over"} role="status">
          {notice.busy && <span class="spinner" aria-hidden="true" />}
          {notice.danger && <Icon name="warning" />}
          <p>{notice.text}</p>
          {notice.detail !== undefined && (
            <p class="detail" aria-hidden={notice.moving}>{notice.detail}</p>
          )}
        </div>
      )}
      {run?.paused && <span class="tag">Paused</span>}
      {children}
    </div>
  );
}

interface Notice {
  readonly text: string;
  readonly detail?: string | undefined;
  /** Whether the detail changes all the time: it is not read out then. */
  readonly moving?: boolean;
  readonly busy?: boolean;
  readonly danger?: boolean;
}

/** What is said over the picture, if anything. */
function noticeOf(
  run: RunView | undefined,
  player: Player,
  health: Health | undefined,
): Notice | undefined {
  const showing = player.showing.value;
  if (run?.state === "failed") {
    return { text: "This run failed", detail: run.error, danger: true };
  }
  if (health?.state === "gone" && showing !== "file") {
    return { text: "The studio does not answer", detail: "Looking for it …", busy: true };
  }
  switch (run?.state) {
    case "queued": {
      if (health?.state === "loading") return loadingNotice(health);
      const place = run.position === undefined ? "" : `${formatOrdinal(run.position)} in line`;
      return { text: "Queued", detail: place, busy: true };
    }
    case "starting":
      return health?.state === "loading" ? loadingNotice(health) : { text: "Starting", busy: true };
    case "cancelled":
      return { text: "Stopped before there was a picture" };
    case "streaming":
      if (showing === "unplayable") return CANNOT_PLAY;
      return player.waiting.value && player.made.value === 0
        ? { text: "First pictures are coming", busy: true }
        : undefined;
    case "finished":
      return undefined;
    case undefined:
      return { text: "Your video appears here while it is being made" };
  }
}

function loadingNotice({ work }: Health): Notice {
  return { text: "Loading the model", detail: work, moving: true, busy: true };
}

const CANNOT_PLAY: Notice = {
  text: "This browser cannot play the stream",
  detail: "It is shown as soon as it is finished.",
};
