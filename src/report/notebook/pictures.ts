/**
 * @module Image galleries in a notebook: pictures with their captions, side by side.
 */
import type { ImageSource } from "../../records.js";
import { embedBytes } from "../images.js";
import { html, type Markup } from "../markup.js";
import { type Displayable, JUPYTER_DISPLAY } from "./display.js";
import { htmlBundle } from "./markup.js";

export interface CaptionedImage {
  readonly image: ImageSource | Uint8Array;
  readonly caption: string;
}

export interface PicturesOptions {
  /** Pixels of an image's longer side on the page. */
  readonly size?: number;
  /** Pixels of a caption's line. */
  readonly width?: number;
}

const STYLE = `.row { display: flex; flex-wrap: wrap; gap: 1rem 1.25rem; align-items: flex-start; }
figure { margin: 0; } img { background: #fff; border: 1px solid var(--line); border-radius: 4px; image-rendering: auto; }
figcaption { font-size: .85rem; line-height: 1.35; unicode-bidi: plaintext; overflow-wrap: anywhere; }
.missing { color: var(--quiet); font-style: italic; }`;

function lines(caption: string): Markup {
  const [first = "", ...others] = caption.split("\n");
  return html`${first}${others.map((line) => html`<br>${line}`)}`;
}

/** Pictures side by side, each above its caption. */
export function pictures(images: readonly CaptionedImage[], options: PicturesOptions = {}): Displayable {
  const { size = 160, width = Math.max(200, options.size ?? 0) } = options;
  return {
    async [JUPYTER_DISPLAY]() {
      const figures = await Promise.all(
        images.map(async ({ image, caption }) => {
          const source = image instanceof Uint8Array ? { kind: "bytes" as const, bytes: image } : image;
          const shown = await embedBytes(caption, source);
          const picture =
            shown.kind === "image"
              ? html`<img src="${shown.source}" alt="${caption}" style="max-width:${size}px;max-height:${size}px">`
              : html`<p class="missing">${shown.reason}</p>`;
          return html`<figure style="max-width:${width}px;margin:0;overflow-wrap:anywhere">${picture}<figcaption>${lines(caption)}</figcaption></figure>`;
        }),
      );
      const plain = images.map(({ caption }) => `[image] ${caption}`).join("\n");
      return htmlBundle(html`<div class="row">${figures}</div>`, STYLE, plain);
    },
  };
}
