import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { gradeMath } from "../../../src/reward/math/gradeMath.js";

interface Row {
  readonly kind: string;
  readonly given: string;
  readonly truth: string;
  readonly correct: boolean;
  readonly source: string;
}
const rows: Row[] = JSON.parse(readFileSync(join(packageRoot(), "tests/reward/math/kinds.json"), "utf8"));

describe.each([...new Set(rows.map(({ kind }) => kind))])("gradeMath, %s", (kind) => {
  it.each(rows.filter((row) => row.kind === kind))(
    "$given ~ $truth: $correct",
    ({ given, truth, correct }) => {
      expect(gradeMath(given, truth).correct).toBe(correct);
      expect(gradeMath(truth, given).correct).toBe(correct);
    },
  );
});
