import { writeWhole } from "../../assess/files.ts";
import { withGradient } from "../../autodiff/index.ts";
import { writeModel } from "../../graph/index.ts";
import { operators } from "../../ops/index.ts";
import { openModelFile } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined } from "../plan-options.ts";

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["model", "out"], "gradient");
  const { model } = await openModelFile(given.model);
  const gradient = withGradient(model, {
    table: operators,
    loss: given.loss ?? "cross-entropy",
    ...defined({ wrt: given.wrt, logits: given.output }),
  });
  await writeWhole(given.out, writeModel(gradient));
  const ports = (values: typeof gradient.graph.inputs) =>
    values
      .map(({ name, dtype, shape }) => `${name} ${dtype ?? "?"}[${shape?.map((dim) => dim ?? "?").join(",") ?? "?"}]`)
      .join(", ");
  process.stdout.write(
    `${given.out}\n  inputs   ${ports(gradient.graph.inputs)}\n  outputs  ${ports(gradient.graph.outputs)}\n`,
  );
  return 0;
}
