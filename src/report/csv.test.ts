import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { csvCell, csvReporter } from "./csv.ts";
import { HOSTILE, storedRun } from "./stored-run.test.fixture.ts";

describe("csvCell", () => {
  it.each([
    ["plain", "plain"],
    ['say "a, b"', '"say ""a, b"""'],
    ["two\nlines", '"two\nlines"'],
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t=1"],
    ["  =1", "'  =1"],
    ["\r=1", '"\'\r=1"'],
    [-1.5, "-1.5"],
    [true, "true"],
    [null, ""],
    [undefined, ""],
  ])("%j is written %j", (value, text) => expect(csvCell(value)).toBe(text));
});

describe("csvReporter", () => {
  it.each([0, 1, 1000])("writes a row for each of %i findings", async (findings) => {
    const text = await csvReporter.render(storedRun({ findings }), {});
    const rows = parse(text) as string[][];
    expect(rows).toHaveLength(findings + 1);
    expect(text.endsWith("\r\n")).toBe(true);
  });

  it("keeps hostile names as text, whole", async () => {
    const run = storedRun({ findings: 12, classes: HOSTILE, sampleName: (index) => HOSTILE[index % HOSTILE.length]! });
    const rows = parse(await csvReporter.render(run, {}), { columns: true, relax_quotes: false }) as Record<
      string,
      string
    >[];
    expect(rows.map(({ true_class, sample }) => [true_class!, sample!])).toEqual(
      rows.map((_, index) => {
        const name = HOSTILE[index % HOSTILE.length]!;
        return name.startsWith("=") ? [`'${name}`, `'${name}`] : [name, name];
      }),
    );
  });

  it("has these columns", async () => {
    const [header, row] = (await csvReporter.render(storedRun({ findings: 1 }), {})).split("\r\n");
    expect([header, row]).toMatchInlineSnapshot(`
      [
        "id,threat,index,sample,group,true_class,before_class,before_confidence,before_margin,after_class,after_confidence,after_margin,rank_of_true_class_after,kl_divergence,knowledge,specificity,attack,settings,seed,queries,gradients,seconds,l0,l1,l2,linf,location,changed_share,bbox_top_left_bottom_right,edits,stopped_by,perceptibility,ssim,psnr,ciede2000_mean,verified,original,adversarial,command",
        "4d3e9096a811d05ede679ffedf38321307daea3d2b44385d916096b8e315fa5b,linf:8/255;uint8;untargeted,0,img-0,,stop,stop,0.9999,2,yield,0.88,-2,2,0.9,white-box,untargeted,pgd,"{""steps"":20,""loss"":""margin""}",0,12,11,0.04,3072,96.4,1.74,0.03137254901960784,dense,1,0 0 32 32,,,visible,0.91,30.1,,true,blobs/9bafde9215cb897d57fcdb7ef8e24f684a8e4bb4289a7f3f4239ba2ff5f1ae87.png,blobs/be00c1556a23a40b60090e47c7d1e8fa2320a259aa334b9a6d09db9747043e7d.png,npx blindspot attack pgd --model signs.onnx --data npz:test.npz --threat linf:8/255 --samples index:0 --seed 0 --set pgd.steps=20 --set pgd.loss=margin",
      ]
    `);
  });
});
