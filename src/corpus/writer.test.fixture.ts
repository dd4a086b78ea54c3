import { diskFolder } from "./files.ts";
import { corpusOf, imageSample } from "./samples.test.fixture.ts";

// A program that stores samples: `node writer.test.fixture.js DIR FROM TO`. Says so after each one, so that it can be killed in between.
const [, , directory = "", from = "0", to = "0"] = process.argv;
const corpus = await corpusOf([], await diskFolder(directory), () => new Date());
process.stdout.write("open\n");
for (let i = Number(from); i < Number(to); i++) {
  const { id } = await corpus.add(imageSample([i & 255, i >> 8, 1, 2], [0, 0, i & 255, 0]));
  process.stdout.write(`${id}\n`);
}
