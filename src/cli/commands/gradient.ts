import { resolve } from "node:path";
import { writeWhole } from "../../assess/files.ts";
import { withGradient } from "../../autodiff/index.ts";
import { BlindspotError } from "../../base/errors.ts";
import { writeModel } from "../../graph/index.ts";
import { logitsBehind } from "../../models/score-head.ts";
import { operators } from "../../ops/index.ts";
import { openModelFile } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined } from "../plan-options.ts";

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["model", "out"], "gradient");
  const { model } = await openModelFile(given.model);
  // An output that is named is taken as it is; else the logits behind the first one, where it ends in a Softmax or Sigmoid.
  const first = model.graph.outputs[0];
  const { logits, stripped } =
    given.output === undefined && first !== undefined
      ? logitsBehind(first, model.opset)
      : { logits: { name: given.output }, stripped: null };
  const gradient = withGradient(model, {
    table: operators,
    loss: given.loss ?? "cross-entropy",
    ...defined({ wrt: given.wrt, logits: logits.name }),
  });
  if (resolve(given.out) === resolve(given.model))
    throw new BlindspotError({
      code: "E_OUT",
      subject: `--out ${given.out}`,
      expected: "another file than the model itself",
      got: "the file given as --model",
    });
  await writeWhole(given.out, writeModel(gradient));
  if (given.json) {
    const plain = (values: typeof gradient.graph.inputs) =>
      values.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
    const { inputs, outputs } = gradient.graph;
    const written = { file: given.out, inputs: plain(inputs), outputs: plain(outputs), logitsBefore: stripped };
    process.stdout.write(`${JSON.stringify(written, null, 2)}\n`);
    return 0;
  }
  const ports = (values: typeof gradient.graph.inputs) =>
    values
      .map(({ name, dtype, shape }) => `${name} ${dtype ?? "?"}[${shape?.map((dim) => dim ?? "?").join(",") ?? "?"}]`)
      .join(", ");
  const note = stripped === null ? "" : `  loss     of the logits before the final ${stripped}\n`;
  process.stdout.write(
    `${given.out}\n  inputs   ${ports(gradient.graph.inputs)}\n  outputs  ${ports(gradient.graph.outputs)}\n${note}`,
  );
  return 0;
}
