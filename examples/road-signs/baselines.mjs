/**
 * What simple methods reach on the signs: a data set that they solve would say nothing about networks.
 *
 * @typedef {{ readonly images: Uint8Array, readonly labels: Int32Array }} LabelledImages
 * @typedef {(image: Float32Array) => ArrayLike<number>} Scorer of one image in -0.5..0.5
 */

/** Share of images whose largest score is that of their label. @param {Scorer} scores @param {LabelledImages} set */
export function accuracyOf(scores, { images, labels }) {
  const size = images.length / labels.length;
  const right = labels.filter((label, row) => {
    const values = Array.from(scores(centered(images, row, size)));
    return values.indexOf(Math.max(...values)) === label;
  });
  return right.length / labels.length;
}

/** @param {Uint8Array} images @param {number} row @param {number} size */
function centered(images, row, size) {
  return Float32Array.from(images.subarray(row * size, (row + 1) * size), (level) => level / 255 - 0.5);
}

/** Minus the squared distance to the mean image of each class. @param {LabelledImages} set @param {number} classes @returns {Scorer} */
export function nearestCentroid({ images, labels }, classes) {
  const size = images.length / labels.length;
  const means = Array.from({ length: classes }, () => new Float64Array(size));
  const counts = new Int32Array(classes);
  labels.forEach((label, row) => {
    const image = centered(images, row, size);
    counts[label]++;
    for (let i = 0; i < size; i++) means[label][i] += image[i];
  });
  return (image) =>
    means.map((sum, label) => -image.reduce((total, value, i) => total + (value - sum[i] / counts[label]) ** 2, 0));
}

/**
 * Multinomial logistic regression by stochastic gradient descent, the step falling to zero on a line.
 * @param {LabelledImages} set @param {number} classes @param {number} epochs @param {(epoch: number) => Iterable<number>} orderOf rows of an epoch
 * @returns {Scorer}
 */
export function softmaxRegression({ images, labels }, classes, epochs, orderOf) {
  const size = images.length / labels.length;
  const weights = Array.from({ length: classes }, () => new Float32Array(size));
  const biases = new Float64Array(classes);
  const scores = (/** @type {Float32Array} */ image) =>
    weights.map((own, label) => {
      let sum = biases[label];
      for (let i = 0; i < size; i++) sum += own[i] * image[i];
      return sum;
    });
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 0.003 * (1 - epoch / epochs);
    for (const row of orderOf(epoch)) {
      const image = centered(images, row, size);
      const logits = scores(image);
      const highest = Math.max(...logits);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
      weights.forEach((own, label) => {
        const error = Math.exp(logits[label] - highest) / total - Number(labels[row] === label);
        for (let i = 0; i < size; i++) own[i] -= rate * error * image[i];
        biases[label] -= rate * error;
      });
    }
  }
  return scores;
}
