// How the page is built: one classic script, one style sheet, no inline code.

import { defineConfig, type Plugin } from "vite";

export default defineConfig({
  base: "./",
  plugins: [classicScript(), operatorsPage()],
  build: {
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: {
      output: {
        format: "iife",
        // The names carry no hash, so that the server can embed the files by name.
        entryFileNames: "console.js",
        assetFileNames: "console[extname]",
      },
    },
  },
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
