import type { Sample } from "../attack.ts";
import type { Proposals } from "./proposals.ts";
import { type ImageDims, imageDims, randomSubset, randomWindow } from "./window.ts";

/** Redraws of the signs of one window, then of the window, before a proposal that changes nothing is let through. */
const SIGN_DRAWS = 8;
const WINDOW_DRAWS = 8;

/**
 * Algorithm 2. Every coordinate of a candidate is x0 - eps or x0 + eps (inside the box): adding +-2 eps to such a point and clipping to
 * ball and box always ends there.
 */
export function squareLinf(sample: Sample): Proposals {
  const image = imageDims(sample.dims);
  return image === null ? vectorProposals(sample) : imageProposals(sample, image);
}

/** x0 + eps sign at one coordinate, inside box and mask, as float32. */
function corners({ x0, threat }: Sample): (coordinate: number, sign: number) => number {
  const low = threat.project(
    x0.map((value) => value - threat.effectiveEpsilon),
    x0,
  );
  const high = threat.project(
    x0.map((value) => value + threat.effectiveEpsilon),
    x0,
  );
  return (coordinate, sign) => (sign < 0 ? low[coordinate]! : high[coordinate]!);
}

function imageProposals(sample: Sample, image: ImageDims): Proposals {
  const { rng } = sample;
  const { height, width, channels } = image;
  const corner = corners(sample);
  return {
    // Vertical stripes: one sign for each column and channel.
    initial() {
      const signs = Array.from({ length: width * channels }, () => rng.sign());
      return sample.x0.map((_, coordinate) => corner(coordinate, signs[coordinate % signs.length]!));
    },
    propose(best, p, out) {
      out.set(best);
      const widest = Math.min(height, width);
      const side = Math.min(Math.max(Math.round(Math.sqrt(p * height * width)), 1), widest);
      for (let draw = 0; draw < WINDOW_DRAWS; draw++) {
        const { top, left } = randomWindow(image, side, rng);
        for (let again = 0; again < SIGN_DRAWS; again++) {
          let changed = false;
          for (let channel = 0; channel < channels; channel++) {
            const sign = rng.sign();
            for (let row = top; row < top + side; row++) {
              const end = (row * width + left + side) * channels;
              for (let at = (row * width + left) * channels + channel; at < end; at += channels) {
                out[at] = corner(at, sign);
                changed ||= out[at] !== best[at];
              }
            }
          }
          if (changed) return;
        }
      }
    },
  };
}

function vectorProposals(sample: Sample): Proposals {
  const { rng } = sample;
  const size = sample.x0.length;
  const corner = corners(sample);
  return {
    initial: () => sample.x0.map((_, feature) => corner(feature, rng.sign())),
    propose(best, p, out) {
      out.set(best);
      const count = Math.min(Math.max(Math.round(p * size), 1), size);
      for (let draw = 0; draw < SIGN_DRAWS * WINDOW_DRAWS; draw++) {
        let changed = false;
        for (const feature of randomSubset(size, count, rng)) {
          out[feature] = corner(feature, rng.sign());
          changed ||= out[feature] !== best[feature];
        }
        if (changed) return;
      }
    },
  };
}
