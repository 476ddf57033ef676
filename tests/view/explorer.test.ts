import { join } from "node:path";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import { explorerPage } from "../../src/view/explorerPage.js";

/** The browser's part and all that it imports of the library, as one classic script. */
async function bundle(): Promise<string> {
  const build = await rolldown({
    input: join(packageRoot(), "dist", "src", "view", "explorer", "explorer.js"),
    treeshake: { moduleSideEffects: [{ test: /explorer\.js$/, sideEffects: true }] },
  });
  const { output } = await build.generate({ format: "iife", minify: true });
  return output[0].code.trim().replaceAll("</script", "<\\/script");
}

it("docs/explorer.html is made of the library's present functions (npm run explorer)", async () => {
  const page = explorerPage(await bundle());
  expect(page.length).toBeLessThan(40_000);
  await expect(page).toMatchFileSnapshot(join(packageRoot(), "docs", "explorer.html"));
});
