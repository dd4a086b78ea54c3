import type { Graph, Node, Value } from "./ir.ts";
import { dependencies } from "./walk.ts";

/**
 * Puts nodes in an order in which each comes after what it depends on, captures of its subgraphs included; nodes that are in order
 * already stay where they are (Kahn's algorithm, taking the earliest ready node first).
 *
 * @returns The nodes of cycles, and what hangs on them: empty when the graph could be sorted. Then `graph.nodes` is left as it was.
 */
export function sortNodes(graph: Graph): Node[] {
  const index = new Map(graph.nodes.map((node, i) => [node, i]));
  const makers = new Map<Value, number>();
  graph.nodes.forEach((node, i) => {
    for (const output of node.outputs) makers.set(output, i);
  });
  const waiting = new Array<number>(graph.nodes.length).fill(0);
  const users: number[][] = graph.nodes.map(() => []);
  let ordered = true;
  for (const [node, i] of index) {
    const needed = new Set<number>();
    for (const value of dependencies(node)) {
      const maker = makers.get(value);
      if (maker !== undefined) needed.add(maker);
    }
    waiting[i] = needed.size;
    for (const maker of needed) {
      users[maker]!.push(i);
      ordered &&= maker < i;
    }
  }
  if (ordered) return [];
  return order(graph, waiting, users);
}

function order(graph: Graph, waiting: number[], users: readonly (readonly number[])[]): Node[] {
  const sorted: Node[] = [];
  const ready = new EarliestFirst();
  waiting.forEach((count, i) => {
    if (count === 0) ready.push(i);
  });
  for (let i = ready.pop(); i !== undefined; i = ready.pop()) {
    sorted.push(graph.nodes[i]!);
    for (const user of users[i]!) if (--waiting[user]! === 0) ready.push(user);
  }
  if (sorted.length < graph.nodes.length) return graph.nodes.filter((_, i) => waiting[i]! > 0);
  graph.nodes = sorted;
  return [];
}

/** A binary heap of node indices. */
class EarliestFirst {
  private readonly items: number[] = [];

  push(item: number): void {
    const items = this.items;
    let child = items.push(item) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (items[parent]! <= item) break;
      items[child] = items[parent]!;
      child = parent;
    }
    items[child] = item;
  }

  pop(): number | undefined {
    const items = this.items;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]! < items[child]!) child++;
      if (items[child]! >= last) break;
      items[parent] = items[child]!;
      parent = child;
    }
    items[parent] = last;
    return first;
  }
}
