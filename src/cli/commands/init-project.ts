import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Given } from "../options.ts";
import { exampleThreat, initExample } from "./init-example.ts";

/** The gate's part of a config, at its defaults, so that it can be seen and changed. */
const GATE = { failOn: ["newly-broken", "clean-regression"], maxNotEvaluated: 0 };

/** Lines between braces are GitHub's own expressions. */
const WORKFLOW = `# Written by \`blindspot init\`. MODEL and DATA are yours to set.
name: blindspot
on:
  pull_request:
  schedule:
    - cron: "17 3 * * *"
  workflow_dispatch:
env:
  MODEL: models/model.onnx
  DATA: folder:data/test
permissions:
  contents: read
jobs:
  # Fails where this change broke something; shows everything that is still broken.
  gate:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    permissions:
      contents: read
      security-events: write
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
          lfs: true
      - uses: actions/setup-node@v4
        with:
          node-version: 22
      # Answers for an unchanged model and an unchanged sample.
      - uses: actions/cache@v4
        with:
          path: |
            .blindspot/memory
            boundary/.index
          key: blindspot-\${{ hashFiles(env.MODEL) }}-\${{ github.run_id }}
          restore-keys: blindspot-
      - name: The version before
        env:
          BASE: \${{ github.event.pull_request.base.sha }}
        run: |
          git worktree add --detach ../before "$BASE"
      - name: Gate
        run: npx blindspot gate --model "$MODEL" --against "../before/$MODEL" --report html,junit,sarif,github
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: blindspot
          path: .blindspot/gate/
          include-hidden-files: true
      - uses: github/codeql-action/upload-sarif@v3
        if: always() && hashFiles('.blindspot/gate/boundary.sarif') != ''
        with:
          sarif_file: .blindspot/gate/boundary.sarif
  # Attacks afresh each night, with another seed; what it finds comes as new files of the corpus, in one change.
  nightly:
    if: github.event_name != 'pull_request'
    runs-on: ubuntu-latest
    permissions:
      contents: write
      pull-requests: write
    steps:
      - uses: actions/checkout@v4
        with:
          lfs: true
      - uses: actions/setup-node@v4
        with:
          node-version: 22
      - name: Attack
        run: npx blindspot assess --model "$MODEL" --data "$DATA" --corpus boundary --seed "$GITHUB_RUN_NUMBER" --time 3000
      - name: One change with all that is new
        env:
          GH_TOKEN: \${{ github.token }}
        run: |
          git add boundary
          if git diff --cached --quiet; then exit 0; fi
          git switch -c "blindspot/$GITHUB_RUN_NUMBER"
          git -c user.name=blindspot -c user.email=blindspot@users.noreply.github.com commit -m "test: boundary samples of run $GITHUB_RUN_NUMBER"
          git push origin "blindspot/$GITHUB_RUN_NUMBER"
          gh pr create --fill --base "$GITHUB_REF_NAME"
`;

/** What a project begins with, by path. */
function projectFiles(threat: string): Readonly<Record<string, string>> {
  return {
    "blindspot.config.json": `${JSON.stringify({ threat: [threat], gate: GATE }, null, 2)}\n`,
    ".github/workflows/blindspot.yml": WORKFLOW,
    // Runs, reports and what was learned before: git leaves it alone.
    ".blindspot/.gitignore": "*\n",
  };
}

/** Writes the files of a project that are not there yet. What exists is never touched. */
export async function initProject({ quiet, example }: Given): Promise<number> {
  const lines: string[] = [];
  const threat = example === undefined ? "linf:8/255" : exampleThreat(example);
  for (const [path, text] of Object.entries(projectFiles(threat))) {
    await mkdir(dirname(path), { recursive: true });
    const written = await writeFile(path, text, { flag: "wx" }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST") return false;
        throw error;
      },
    );
    lines.push(written ? `Written: ${path}` : `Left as it is: ${path}`);
  }
  lines.push(
    "",
    "Set MODEL and DATA in the workflow, the threat in the config. Then find what this version gets wrong, and commit it:",
    "  blindspot assess --model models/model.onnx --data folder:data/test --corpus boundary",
    "  git add boundary blindspot.config.json .github && git commit",
    "From then on every pull request is gated (docs/gate.md). Git ignores .blindspot/: runs and reports stay here.",
  );
  if (example !== undefined) lines.push("", ...(await initExample(example)));
  if (!quiet) process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
