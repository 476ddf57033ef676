/**
 * @module Light or dark: as the system has it, until somebody chooses.
 */
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

export type Shade = "light" | "dark";

const KEY = "shade";
const darkness = window.matchMedia("(prefers-color-scheme: dark)");

function chosen(): Shade {
  const kept = localStorage.getItem(KEY);
  if (kept === "light" || kept === "dark") return kept;
  return darkness.matches ? "dark" : "light";
}

/** The shade, and how to change it. */
export function useShade(): readonly [Shade, () => void] {
  const [shade, setShade] = useState(chosen);
  // Before anything is painted: the other shade must not flash up.
  useLayoutEffect(() => {
    document.documentElement.dataset["shade"] = shade;
  }, [shade]);
  useEffect(() => {
    const follow = () => setShade(chosen());
    darkness.addEventListener("change", follow);
    return () => darkness.removeEventListener("change", follow);
  }, []);
  const turn = () => {
    const other = shade === "dark" ? "light" : "dark";
    localStorage.setItem(KEY, other);
    setShade(other);
  };
  return [shade, turn];
}
