import { expect, it } from "vitest";
import * as blindspot from "./index.ts";

// What programs may rely on. A name that leaves this list breaks somebody: bump the version and say so in the CHANGELOG.
it("exports these values", () => {
  expect(Object.keys(blindspot).sort().join(" ")).toMatchInlineSnapshot(
    `"AttemptOver BlindspotError COMPARISON_REPORTERS Corpus DETECTOR_NAMES Graph GraphBuilder KNOWLEDGES LOSS_NAMES METHOD_NAMES Model Node REPORTERS Rng RowSpace Value apgdCe apgdDlr apgdMargin apgdT assess assessRisk attacks bim censoredQuantile cloneModel colorDifference compareRuns comparisonSchema consoleReport constantRate cosine declareRisk defineAttack defineLabelAttack detectionResultSchema diskFolder drawSamples evaluateDetector exercises explainGradient fgsm fields findAttack findExercise findingSchema fitDetector float32 goalClasses goalName harden imageChange imageCodec inferSchema inferShapes initialWeights int64 int64Vector l0 l2 lessonPage linf loadClassifier memoryFolder mergeCorpus miFgsm nodeRuntime noise opBuilder openClassifier openDataset openModel openRunDirectory operators overlapOf parseAugmentation parseGoal parseRegularizers parseThreat pgd planProfiles predictedClass prepareForGradient printGraph printLesson proportion psnr raiseOneLogit rays readModel readNpy readNpz readRowSchema readRows readRun referenceRuntime resultSchema rowCodec rowCoordinate rowExhaustive rowExhaustiveLabel rowGradient rowRandom runSamples sampleLineSchema scalar sha256 sharpImages sigmaZero sparseRs square ssim steps storeRun suites tellFinding tensor threatOfId train trainingLogSchema transferPgd triangle vectorCodec verifyCorpus verifyModel wilson95 withGradient withTrainingStep withVjp writeModel writeNpy writeNpz"`,
  );
});
