/** Learning rate at a point of the training, 0 (its start) to 1 (its end). */
export type Schedule = (progress: number) => number;

export function constantRate(rate: number): Schedule {
  return () => rate;
}

/** Up to `peak` on a line during the first `warmup` of the training, then down to 0 on half a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983). */
export function cosine(peak: number, warmup = 0.1): Schedule {
  return (progress) => {
    if (progress < warmup) return (peak * progress) / warmup;
    return (peak * (1 + Math.cos((Math.PI * (progress - warmup)) / (1 - warmup)))) / 2;
  };
}

/** From 0 up to `peak` at 2/5 of the training and down to 0, on lines (Wong, Rice and Kolter 2020, arXiv 2001.03994, for MNIST). */
export function triangle(peak: number, turn = 0.4): Schedule {
  return (progress) => peak * Math.min(progress / turn, (1 - progress) / (1 - turn));
}

/** `rate`, divided by ten at one half and again at three quarters of the training (Madry et al. 2018, arXiv 1706.06083, by and large). */
export function steps(rate: number, at: readonly number[] = [0.5, 0.75]): Schedule {
  return (progress) => rate * 0.1 ** at.filter((point) => progress >= point).length;
}

/** Schedules by the names under which a user asks for them, each of a learning rate that is its largest. */
export const SCHEDULES = { constant: constantRate, cosine, triangle, steps } satisfies Record<
  string,
  (rate: number) => Schedule
>;
export type ScheduleName = keyof typeof SCHEDULES;
