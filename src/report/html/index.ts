import type { RunCorpus } from "../../corpus/summary.ts";
import { cleanTexts } from "../edits.ts";
import { html, Markup } from "../markup.ts";
import { mostTelling } from "../most-telling.ts";
import { makeAlbum } from "../picture.ts";
import type { Reporter } from "../reporters.ts";
import { actions } from "./actions.ts";
import { closing } from "./closing.ts";
import { corpusSection } from "./corpus.ts";
import { evidence } from "./evidence.ts";
import { allFindings } from "./findings.ts";
import { gallery } from "./gallery.ts";
import { headline } from "./headline.ts";
import { contentPolicy } from "./policy.ts";
import { riskSection } from "./risk.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { howSure } from "./sure.ts";
import { anchorsOf, type View } from "./view.ts";

const DEFAULT_PICTURES = 60;
/** Characters of all pictures together. The whole file stays under 8 MB with 1,000 findings: their table takes about half a megabyte. */
const PICTURE_BUDGET = 6_000_000;

/** One file for a browser: no request leaves it, and everything can be read without its script. */
export const htmlReporter: Reporter = {
  extension: "html",
  summary: "the whole report, one file for a browser",
  async render(run, { pictures = DEFAULT_PICTURES, corpus = null }) {
    const chosen = mostTelling(run.result, run.findings, pictures);
    const images = chosen.filter(({ subject }) => subject.modality === "image");
    const album = await makeAlbum(images, run.blob, PICTURE_BUDGET);
    const texts = await cleanTexts(chosen, run.blob);
    return page({ run, result: run.result, chosen, album, texts, anchors: anchorsOf(run.findings) }, corpus);
  },
};

const SECTIONS = [
  ["sure", "How sure"],
  ["risk", "Risk"],
  ["actions", "What to do"],
  ["evidence", "What was found"],
  ["gallery", "Findings"],
  ["corpus", "Corpus"],
  ["checks", "Checks"],
  ["not-tested", "Not tested"],
  ["reproduce", "Reproduce"],
] as const;

function page(view: View, corpus: RunCorpus | null): string {
  const { result } = view;
  const sections = SECTIONS.filter(([id]) => id !== "corpus" || corpus !== null);
  // Text of style and script is not escaped in HTML; neither holds `</`.
  const [style, script] = [new Markup(STYLE), new Markup(SCRIPT)];
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(STYLE, SCRIPT)}"><meta name="referrer" content="no-referrer">
<title>Blindspot: ${result.model.name}</title><style>${style}</style></head>
<body><a class="skip" href="#main">Skip to the report</a>
${headline(view)}
<nav class="wide" aria-label="Sections"><ul>${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<main class="wide" id="main">
${howSure(result)}${riskSection(result)}${actions(result)}${evidence(view)}${gallery(view)}${allFindings(view)}${corpusSection(corpus)}${closing(result)}</main>
<footer class="wide">Made by ${result.tool.name} ${result.tool.version} from the files of this run alone. Nothing in this page is loaded from elsewhere.</footer>
<script>${script}</script></body></html>
`.text;
}
