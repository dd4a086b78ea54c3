import { html, type Markup } from "../markup.ts";
import type { Reporter } from "../reporters.ts";
import { shortened } from "../visible.ts";
import { concepts } from "./concepts.ts";
import { banner, decision, limits } from "./decision.ts";
import { outcomes } from "./outcomes.ts";
import { procedure } from "./procedure.ts";
import { STYLE } from "./style.ts";
import { LENGTH, short } from "./text.ts";

const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/**
 * The run on one sheet of A4: concepts, procedure, outcomes, decision. Names and lists are cut to what the sheet has room for, and say so;
 * nothing is loaded from anywhere.
 */
export const onePageReporter: Reporter = {
  extension: "html",
  summary: "one A4 page for those who decide",
  async render(run) {
    const { result } = run;
    const { model, startedAt, tool } = result;
    const body = html`<header><div><p class="eyebrow">Adversarial robustness on one page</p><h1>${short(model.name, LENGTH.title)}</h1><p class="eyebrow">${startedAt.slice(0, 10)} · Blindspot ${short(tool.version)}</p></div>${banner(result)}</header>
<div class="columns">${concepts(run)}${procedure(result)}</div>
${await outcomes(run)}<div class="columns closing">${decision(result)}${limits(run)}</div>`;
    return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${shortened(model.name, LENGTH.title)}: one page</title><style>${STYLE}</style></head>
<body><main class="${density(body)}">
${body}
</main></body></html>
`.text;
  },
};

/** Characters and table rows that the sheet holds at its ordinary size of type, in the widest of the common typefaces. */
const COMFORTABLE = 4020;
const ROW = 60;

/** How the type is set: names and lists are cut to measure, but all of them at their longest take the smaller size. */
function density({ text }: Markup): "" | "dense" {
  const rows = text.split("<tr").length - 1;
  const characters = text.replaceAll(/<[^>]*>/g, "").length;
  return characters + ROW * rows > COMFORTABLE ? "dense" : "";
}
