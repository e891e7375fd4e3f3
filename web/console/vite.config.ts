// How the pages are built: for each one classic script and one style sheet, no inline code.

import { defineConfig, type Plugin } from "vite";

/** `vite build` builds the console; with `--mode bridge` the page of bridges beside it. */
export default defineConfig(({ mode }) => {
  const isBridge = mode === "bridge";
  const name = isBridge ? "bridge" : "console";
  return {
    base: "./",
    // The TypeScript client beside this folder is part of the page.
    server: { fs: { allow: [".."] } },
    plugins: isBridge ? [classicScript()] : [classicScript(), operatorsPage()],
    build: {
      assetsInlineLimit: 0,
      cssCodeSplit: false,
      emptyOutDir: !isBridge,
      modulePreload: false,
      rolldownOptions: {
        input: isBridge ? "bridge.html" : "index.html",
        output: {
          format: "iife",
          // The names carry no hash, so that the server can embed the files by name.
          entryFileNames: `${name}.js`,
          assetFileNames: `${name}[extname]`,
        },
      },
    },
  };
});

/** Loads the script with `defer`: browsers refuse modules on pages opened from disk. */
function classicScript(): Plugin {
  return {
    name: "classic-script",
    apply: "build",
    enforce: "post",
    transformIndexHtml: {
      order: "post",
      handler: (html) =>
        html
          .replace(/<script type="module" crossorigin/g, "<script defer")
          .replace(/<link rel="stylesheet" crossorigin/g, '<link rel="stylesheet"'),
    },
  };
}

/** The operator's side shows the same script under another document. */
function operatorsPage(): Plugin {
  return {
    name: "operators-page",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const index = bundle["index.html"];
      if (index?.type !== "asset") throw new Error("there is no index.html");
      const source = String(index.source)
        .replace('<div id="page">', '<div id="page" data-side="operator">')
        .replace(/\s*<meta name="description"[^>]*>/, "")
        .replace("<title>Tieline</title>", "<title>Tieline, operator</title>");
      this.emitFile({ type: "asset", fileName: "operator.html", source });
    },
  };
}
