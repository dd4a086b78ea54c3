import { BlindspotError, type Problem } from "../../base/errors.ts";
import type { OperatorTable } from "../builder.ts";
import type { Graph, Model, Node } from "../ir.ts";
import { subgraphs } from "../walk.ts";
import { inferNode } from "./infer-shapes.ts";
import { NodeUpgrade } from "./node-upgrade.ts";
import { OPSET_CHANGES } from "./opset-changes.ts";

/** The opset that gradient rules are written for (they hold above it too). */
export const GRADIENT_OPSET = 18;

/** The oldest opset that is read, and the first IR version of files at `GRADIENT_OPSET`. */
const OLDEST_OPSET = 7;
const IR_VERSION = 8;

/**
 * Rewrites a model, in place, from its opset to a newer one, by ONNX's own version rules. A model that is there already, or above, stays.
 * With the operator table types are inferred on the way, which spares general but slower forms (Softmax over several axes).
 *
 * @throws BlindspotError E_MODEL_OPSET, or E_OPSET_UPGRADE naming every node that the newer opset can't express (the model is then half
 *   rewritten).
 */
export function upgradeOpset(model: Model, target: number, table?: OperatorTable): void {
  const from = model.opsets.get("") ?? target;
  if (from < OLDEST_OPSET || (from < target && target > GRADIENT_OPSET))
    throw new BlindspotError({
      code: "E_MODEL_OPSET",
      subject: "the model",
      expected:
        from < OLDEST_OPSET ? `opset ${OLDEST_OPSET} or above` : `an upgrade to opset ${GRADIENT_OPSET} at most`,
      got: from < OLDEST_OPSET ? `opset ${from}` : `opset ${target}`,
      hint: "Export the model again at opset 18",
    });
  const problems: Problem[] = [];
  upgradeGraph(model.graph, { from, target, table, problems });
  if (problems.length > 0) throw new BlindspotError(problems);
  model.opsets.set("", Math.max(from, target));
  model.irVersion = Math.max(model.irVersion, IR_VERSION);
}

interface Upgrade {
  readonly from: number;
  readonly target: number;
  readonly table: OperatorTable | undefined;
  readonly problems: Problem[];
}

function upgradeGraph(graph: Graph, upgrade: Upgrade): void {
  graph.nodes = graph.nodes.flatMap((node) => {
    for (const inner of subgraphs(node)) upgradeGraph(inner, upgrade);
    const nodes =
      node.domain === "" ? collecting(upgrade.problems, () => upgradeNode(graph, node, upgrade)) : undefined;
    for (const made of nodes ?? [node]) {
      // Contradictions are left for inferShapes to report: half a model is typed here.
      if (upgrade.table !== undefined) collecting([], () => inferNode(made, upgrade.table!));
    }
    return nodes ?? [node];
  });
}

function upgradeNode(graph: Graph, node: Node, { from, target }: Upgrade): Node[] {
  const context = new NodeUpgrade(graph, node);
  // A change may rename the operator (Upsample becomes Resize), whose own later changes then apply.
  for (let opset = from + 1; opset <= target; opset++) OPSET_CHANGES[node.op]?.[opset]?.(context);
  return [...context.before, node, ...context.after];
}

function collecting<Result>(problems: Problem[], action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}
