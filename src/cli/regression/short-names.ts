/** File names, each with as many of its folders as tell it from the others: `v2/model.onnx`, and never a whole path of this machine. */
export function shortNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split(/[/\\]/).filter((part) => part !== "" && part !== "."));
  const tail = (own: readonly string[], length: number) => own.slice(-length).join("/");
  return parts.map((own, i) => {
    const others = parts.filter((other, j) => i !== j && other.join("/") !== own.join("/"));
    let length = 1;
    while (length < own.length && others.some((other) => tail(other, length) === tail(own, length))) length++;
    return tail(own, length);
  });
}
