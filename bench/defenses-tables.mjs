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
  const only = (part) => groups.filter((records) => records.some((record) => record[part]));
  const peers = groups.filter(([{ training, attacked, pytorch }]) => !training && !attacked && pytorch);
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
  // Without a file there is nothing to measure.
  const of = (place, share) => (record) => record.attacked?.[place] && percent(share(record.attacked[place]));
  const cells = (all) => [
    all[0].experiment,
    [...new Set(all.flatMap(({ attacked = [] }) => attacked.slice(0, 1).map((one) => one.of)))].join(" / "),
    joined(
      all,
      of(0, (one) => one.correct / one.of),
    ),
    joined(
      all,
      of(0, (one) => one.stand / one.of),
    ),
    joined(
      all,
      of(0, (one) => one.profiles.score / one.of),
    ),
    joined(
      all,
      of(1, (one) => one.stand / one.of),
    ),
    joined(all, ({ ours }) => ours && percent(ours.robust)),
    joined(all, ({ pytorch }) => pytorch && percent(pytorch.robust)),
    [...new Set(all.flatMap(({ attacked }) => Object.keys(attacked?.[0].checks ?? {})))].join(", "),
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
