/**
 * @module Every state of the page has an address: the part behind `#`.
 */
import { useEffect, useState } from "preact/hooks";
import { type Params, query } from "./api.js";

export interface Route {
  /** `""`: the list; `run`, `compare`, `samples`. */
  readonly view: string;
  readonly params: URLSearchParams;
}

function current(): Route {
  const [view = "", search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { view, params: new URLSearchParams(search) };
}

export function address(view: string, params: Params = {}): string {
  const search = query(params);
  return `#/${view}${search === "" ? "" : `?${search}`}`;
}

/** Goes there without a step in the browser's history. */
export function replace(view: string, params: Params): void {
  history.replaceState(null, "", address(view, params));
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(current);
  useEffect(() => {
    const follow = () => setRoute(current());
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return route;
}
