/** The records of bench/defenses.mjs as Markdown tables: every seed, in order, joined by slashes. */

const percent = (share) => (100 * share).toFixed(1);
const joined = (records, of) => {
  const values = records.map(of);
  return values.every((value) => value === undefined) ? "" : values.map((value) => value ?? "-").join(" / ");
};
const row = (cells) => `| ${cells.join(" | ")} |`;

/** @param {string[]} order names of experiments @param {object[]} records */
export function tables(order, records) {
  const groups = order
    .map((name) => records.filter(({ experiment }) => experiment === name))
    .filter((all) => all.length > 0);
  const only = (part) => groups.filter(([record]) => record[part]);
  const peers = groups.filter(([{ attacked, pytorch }]) => attacked === undefined && pytorch);
  return [measured(only("attacked")), trained(only("training")), trainedByPytorch(peers)]
    .filter((table) => table !== "")
    .join("\n\n");
}

function measured(groups) {
  if (groups.length === 0) return "";
  const head = [
    "",
    "samples",
    "without attack",
    "stand",
    "stand, Square alone",
    "another norm",
    "PGD-100 x 5: ours",
    "PyTorch's",
    "checks that fire",
  ];
  const cells = (all) => [
    all[0].experiment,
    [...new Set(all.map(({ attacked: [{ of }] }) => of))].join(" / "),
    joined(all, ({ attacked: [{ correct, of }] }) => percent(correct / of)),
    joined(all, ({ attacked: [{ stand, of }] }) => percent(stand / of)),
    joined(all, ({ attacked: [{ profiles, of }] }) => percent(profiles.score / of)),
    joined(all, ({ attacked: [, other] }) => other && percent(other.stand / other.of)),
    joined(all, ({ ours }) => ours && percent(ours.robust)),
    joined(all, ({ pytorch }) => pytorch && percent(pytorch.robust)),
    [...new Set(all.flatMap(({ attacked: [{ checks }] }) => Object.keys(checks)))].join(", "),
  ];
  return [head, head.map(() => "---"), ...groups.map(cells)].map(row).join("\n");
}

/** A collapse: under the watch an epoch stands 20 points below an earlier one, or the guard says so. */
export function collapsed({ epochs, stopped }) {
  let best = 0;
  for (const { robust } of epochs) {
    if (robust < best - 0.2) return true;
    best = Math.max(best, robust);
  }
  return stopped?.reason === "catastrophic-overfitting";
}

function trained(groups) {
  if (groups.length === 0) return "";
  const head = ["", "collapsed", "ended", "epoch written", "under the watch: written", "last", "seconds"];
  const cells = (all) => [
    all[0].experiment,
    `${all.filter(({ training }) => collapsed(training)).length} of ${all.length}`,
    joined(all, ({ training: { stopped, epochs } }) => `${stopped?.reason ?? "-"} (${epochs.length - 1})`),
    joined(all, ({ training: { chosen } }) => chosen?.epoch),
    joined(all, ({ training: { chosen } }) => chosen && percent(chosen.robust)),
    joined(all, ({ training: { epochs } }) => percent(epochs.at(-1).robust)),
    joined(all, ({ training: { seconds } }) => Math.round(seconds)),
  ];
  return [head, head.map(() => "---"), ...groups.map(cells)].map(row).join("\n");
}

function trainedByPytorch(groups) {
  if (groups.length === 0) return "";
  const head = ["", "without attack", "PyTorch's PGD-100 x 5", "samples/s", "seconds"];
  const cells = (all) => [
    all[0].experiment,
    joined(all, ({ pytorch: { clean } }) => percent(clean)),
    joined(all, ({ pytorch: { robust } }) => percent(robust)),
    joined(all, ({ pytorch: { samplesPerSecond } }) => Math.round(samplesPerSecond)),
    joined(all, ({ pytorch: { seconds } }) => Math.round(seconds)),
  ];
  return [head, head.map(() => "---"), ...groups.map(cells)].map(row).join("\n");
}
