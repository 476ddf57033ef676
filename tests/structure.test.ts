import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A folder of src imports only from itself and from folders before it. */
const ORDER = [
  "records",
  "core",
  "config",
  "compile",
  "optim",
  "model",
  "data",
  "expand",
  "reward",
  "advantage",
  "policy",
  "engine",
  "train",
  "tiny",
  "report",
  "kernel",
  "view",
  "cli",
  "index",
];

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;
const MAX_PARAMETERS = 4;

/** Things with state of their own, and error kinds. */
const CLASSES = ["Rng", "KvCache", "Tracer", "SessionCache", "MetricsLog", "RunFolder"];

interface Source {
  /** Relative to the repository, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

function sourcesOf(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes("node_modules"))
    .map((name) => {
      const path = join(folder, name).replaceAll("\\", "/");
      const text = readFileSync(join(ROOT, path), "utf8");
      return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
    });
}

const src = sourcesOf("src");
const benchmarks = sourcesOf("benchmarks");
const tests = sourcesOf("tests");

/** Every node of a file that `visit` has something to say about. */
function collect<T>({ tree }: Source, visit: (node: ts.Node) => T | undefined): T[] {
  const found: T[] = [];
  const walk = (node: ts.Node): void => {
    const one = visit(node);
    if (one !== undefined) found.push(one);
    ts.forEachChild(node, walk);
  };
  walk(tree);
  return found;
}

function place({ path, tree }: Source, node: ts.Node): string {
  return `${path}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

/** Module names of imports, exports from elsewhere, and `import()`. */
function importsOf(source: Source): string[] {
  return collect(source, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      return node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)
        ? node.moduleSpecifier.text
        : undefined;
    }
    const isDynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
    const [name] = isDynamic ? node.arguments : [];
    return name && ts.isStringLiteral(name) ? name.text : undefined;
  });
}

/** Files of the repository that a file imports, relative to the repository. */
function localImports(source: Source): string[] {
  return importsOf(source)
    .filter((name) => name.startsWith("."))
    .map((name) => relative(ROOT, join(ROOT, dirname(source.path), name)).replaceAll("\\", "/"));
}

/** `src/model/tokenizer.ts` → `model`, `src/records.ts` → `records`. */
function folderOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.[jt]s$/, "");
}

describe("the source tree", () => {
  it("has files to check", () => {
    expect(src.length).toBeGreaterThan(100);
    expect(src.flatMap(localImports).length).toBeGreaterThan(300);
  });

  it("has only folders that stand in the order", () => {
    expect(
      [...new Set(src.map(({ path }) => folderOf(path)))].filter((folder) => !ORDER.includes(folder)),
    ).toEqual([]);
  });

  it("imports only from folders before the importing one", () => {
    const backward = src.flatMap((source) =>
      localImports(source)
        .filter((target) => target.startsWith("src/"))
        .filter((target) => ORDER.indexOf(folderOf(target)) > ORDER.indexOf(folderOf(source.path)))
        .map((target) => `${source.path} imports ${target}`),
    );
    expect(backward).toEqual([]);
  });

  it("knows model families in src/model/families.ts alone: what they share is in transformer/", () => {
    const family = /^src\/model\/(qwen[^/]*)\//;
    const importers = [...src, ...benchmarks].flatMap((source) =>
      localImports(source)
        .filter((target) => family.test(target) && family.exec(target)?.[1] !== family.exec(source.path)?.[1])
        .map((target) => `${source.path} imports ${target}`),
    );
    expect(importers.filter((line) => !line.startsWith("src/model/families.ts "))).toEqual([]);
    expect(importers.length).toBeGreaterThan(0);
  });

  it("has no import cycle, types included", () => {
    const graph = new Map([...src, ...benchmarks].map((source) => [source.path, localImports(source)]));
    const [isDone, path] = [new Set<string>(), [] as string[]];
    const cycles: string[] = [];
    const visit = (file: string): void => {
      const at = path.indexOf(file);
      if (at >= 0) cycles.push([...path.slice(at), file].join(" → "));
      if (at >= 0 || isDone.has(file)) return;
      path.push(file);
      for (const next of graph.get(file) ?? []) visit(next.replace(/\.js$/, ".ts"));
      path.pop();
      isDone.add(file);
    };
    for (const file of graph.keys()) visit(file);
    expect(cycles).toEqual([]);
  });

  it("imports benchmarks from the command line only, and tests from nowhere", () => {
    const outward = [...src, ...benchmarks].flatMap((source) =>
      localImports(source)
        .filter((target) => !target.startsWith("src/"))
        .filter((target) => target.startsWith("tests/") || /^src\/(?!cli\/)/.test(source.path))
        .map((target) => `${source.path} imports ${target}`),
    );
    expect(outward).toEqual([]);
  });

  it("keeps TensorFlow.js behind core/tf.ts, and its backends in compile/backends.ts", () => {
    const importers = [...src, ...benchmarks, ...tests]
      .filter((source) => importsOf(source).some((name) => name.startsWith("@tensorflow/")))
      .map(({ path }) => path);
    expect(importers.filter((path) => !["src/core/tf.ts", "src/compile/backends.ts"].includes(path))).toEqual(
      [],
    );
  });

  it("prints from the command line only, and reads no environment variable below it", () => {
    const library = src.filter(({ path }) => folderOf(path) !== "cli");
    const isConsole = (node: ts.Node) =>
      ts.isPropertyAccessExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === "console";
    const isEnvironment = (node: ts.Node) =>
      ts.isPropertyAccessExpression(node) && node.getText() === "process.env";
    const found = library.flatMap((source) =>
      collect(source, (node) => (isConsole(node) || isEnvironment(node) ? place(source, node) : undefined)),
    );
    // The engine's process inherits the environment; nothing there decides by it.
    const readers = ["src/config/load.ts", "src/engine/process/engineInProcess.ts"];
    expect(found.filter((where) => !readers.includes(where.split(":")[0] ?? ""))).toEqual([]);
  });
});

describe("the map in docs/DESIGN.md", () => {
  const design = readFileSync(join(ROOT, "docs/DESIGN.md"), "utf8");
  const tree = /<!-- tree -->\n```\n([\s\S]*?)```/.exec(design)?.[1] ?? "";
  const places = tree
    .trim()
    .split("\n")
    .map((line) => line.split(/ {2,}/));

  it("has one line with a few words for every folder that holds source, and for no other", () => {
    const folders = [...src, ...benchmarks].map(({ path }) => dirname(path)).filter((path) => path !== "src");
    const mapped = places.map(([place = ""]) => place).filter((place) => !place.endsWith(".ts"));
    expect([...mapped].sort()).toEqual([...new Set(folders)].sort());
    expect(places.filter(([, words = ""]) => words.length < 10)).toEqual([]);
  });

  it("lists the folders of src in the order of imports", () => {
    const tops = places.map(([place = ""]) => /^src\/([^/]+)$/.exec(place)?.[1]?.replace(/\.ts$/, ""));
    expect(tops.filter((top) => top !== undefined)).toEqual(ORDER.filter((folder) => folder !== "index"));
  });
});

describe("every file", () => {
  it("of src opens by saying what it is", () => {
    const silent = src.filter(({ text }) => !/^(#!.*\n)?\/\*\*\s+(\*\s+)?@module\s+\S/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it(`has at most ${MAX_FILE_LINES} lines`, () => {
    const long = [...src, ...benchmarks, ...tests]
      .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
      .filter(({ lines }) => lines > MAX_FILE_LINES);
    expect(long).toEqual([]);
  });

  it("has no any, no cast through unknown, no enum, no default export", () => {
    const isForbidden = (node: ts.Node): boolean => {
      if (node.kind === ts.SyntaxKind.AnyKeyword || ts.isEnumDeclaration(node) || ts.isExportAssignment(node))
        return true;
      if (node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent)) return true;
      return (
        ts.isAsExpression(node) &&
        ts.isAsExpression(node.expression) &&
        node.expression.type.kind === ts.SyntaxKind.UnknownKeyword
      );
    };
    const found = [...src, ...benchmarks, ...tests].flatMap((source) =>
      collect(source, (node) => (isForbidden(node) ? place(source, node) : undefined)),
    );
    expect(found).toEqual([]);
  });

  it("has no class but errors and the few things with state", () => {
    const found = [...src, ...benchmarks].flatMap((source) =>
      collect(source, (node) => {
        if (!ts.isClassDeclaration(node)) return undefined;
        const parent = node.heritageClauses?.[0]?.types[0]?.expression.getText() ?? "";
        const isKnown = CLASSES.includes(node.name?.text ?? "") || /Error$/.test(parent);
        return isKnown ? undefined : place(source, node);
      }),
    );
    expect(found).toEqual([]);
  });
});

describe("every function", () => {
  /** Longer or wider than the rest, each for its reason. */
  const WIDE = ["decoder", "line"]; // one word per argument, at call sites that read as sentences
  type Function = ts.FunctionDeclaration | ts.MethodDeclaration | ts.ArrowFunction | ts.FunctionExpression;
  const isFunction = (node: ts.Node): node is Function =>
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isArrowFunction(node) ||
    ts.isFunctionExpression(node);

  const nameOf = (node: Function): string => {
    const named = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined);
    return named?.getText() ?? "";
  };
  /** What TensorFlow.js calls has the parameters that TensorFlow.js passes. */
  const isOverride = (node: Function): boolean =>
    ts.isMethodDeclaration(node) &&
    (node.modifiers ?? []).some(({ kind }) => kind === ts.SyntaxKind.OverrideKeyword);

  it(`of src and benchmarks has at most ${MAX_FUNCTION_LINES} lines`, () => {
    const long = [...src, ...benchmarks].flatMap((source) =>
      collect(source, (node) => {
        if (!isFunction(node)) return undefined;
        const line = (at: number) => source.tree.getLineAndCharacterOfPosition(at).line;
        const lines = line(node.getEnd()) - line(node.getStart()) + 1;
        return lines > MAX_FUNCTION_LINES ? `${place(source, node)}: ${lines} lines` : undefined;
      }),
    );
    expect(long).toEqual([]);
  });

  it(`of src and benchmarks has at most ${MAX_PARAMETERS} parameters`, () => {
    const wide = [...src, ...benchmarks].flatMap((source) =>
      collect(source, (node) => {
        if (!isFunction(node) || node.parameters.length <= MAX_PARAMETERS) return undefined;
        if (isOverride(node) || WIDE.includes(nameOf(node))) return undefined;
        return `${place(source, node)}: ${node.parameters.length} parameters`;
      }),
    );
    expect(wide).toEqual([]);
  });
});

describe("benchmarks", () => {
  it("grade any checkpoint: nothing in them imports the trainer, but for measurements of training itself", () => {
    const measurements = /^benchmarks\/measured\//;
    const importers = benchmarks
      .filter(({ path }) => !measurements.test(path))
      .filter((source) => localImports(source).some((target) => target.startsWith("src/train/")))
      .map(({ path }) => path);
    expect(importers).toEqual([]);
  });
});
