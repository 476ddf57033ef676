/**
 * @module JupyterLab as a person sees it: `sharegrpo lab` on a free port, opened in headless Chromium. Skipped where
 * Jupyter or Chromium is missing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { type Browser, chromium, type Page } from "playwright-core";
import { packageRoot } from "../../src/core/files/packageRoot.js";

/** Where screenshots are kept; not part of the repository. */
export const PICTURES = join(packageRoot(), "runs", "screenshots");

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function chromiumPath(): string | undefined {
  return CHROMIUM.find((path) => existsSync(path));
}

export interface OpenLab {
  readonly page: Page;
  /** Keeps what the page shows as `name.png`. */
  picture(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts `sharegrpo lab --no-browser` and waits for the address that it prints. */
async function startServer(python: string): Promise<{ readonly url: string; readonly server: ChildProcess }> {
  const program = join(packageRoot(), "dist", "src", "cli", "main.js");
  const env = { ...process.env, PATH: `${dirname(python)}${delimiter}${process.env["PATH"]}` };
  const server = spawn(process.execPath, [program, "lab", "--no-browser", "--port", "18888"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  for await (const line of createInterface({ input: server.stderr })) {
    const url = /http:\/\/127\.0\.0\.1:\d+\/\S*token=\w+/.exec(line)?.[0];
    if (url) {
      server.stderr.resume();
      return { url, server };
    }
  }
  throw new Error("sharegrpo lab ended without an address");
}

/** Opens a notebook in JupyterLab. @param name its file below the notebooks folder */
export async function openLab(python: string, name: string): Promise<OpenLab> {
  const { url, server } = await startServer(python);
  const path = chromiumPath();
  const browser: Browser = await chromium.launch({
    ...(path === undefined ? {} : { executablePath: path }),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic"],
  });
  const page = await browser.newPage({ viewport: { width: 1300, height: 1000 } });
  page.setDefaultTimeout(120_000);
  await page.goto(url.replace(/\/(lab)?\?/, `/lab/tree/${name}?reset&`));
  await page.waitForSelector(".jp-Notebook .jp-Cell");
  return {
    page,
    async picture(picture) {
      await mkdir(PICTURES, { recursive: true });
      await page.screenshot({ path: join(PICTURES, `${picture}.png`) });
    },
    async close() {
      await browser.close();
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await ended;
    },
  };
}
