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
