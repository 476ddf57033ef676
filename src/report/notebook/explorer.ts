/**
 * @module The explorer of advantage sharing in a notebook: the page `docs/explorer.html` in a frame of its own.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../core/files/packageRoot.js";
import { html } from "../markup.js";
import { type Displayable, JUPYTER_DISPLAY } from "./display.js";

const HEIGHT = 780;

/** Sliders for variants, responses, success probabilities and the reward's mix; it works where no kernel runs. */
export function sharingExplorer(): Displayable {
  return {
    [JUPYTER_DISPLAY]() {
      const page = readFileSync(join(packageRoot(), "docs", "explorer.html"), "utf8");
      const frame = html`<iframe srcdoc="${page}" sandbox="allow-scripts" title="advantage sharing, by hand" width="100%" height="${HEIGHT}" style="border: 0"></iframe>`;
      return { "text/html": frame.markup, "text/plain": "advantage sharing, by hand: docs/explorer.html" };
    },
  };
}
