export { type ColorDifference, ciede2000, colorDifference, type Lab, srgbToLab } from "./color-difference.ts";
export { type Box, energyMap, pixelEnergy } from "./energy.ts";
export type { Image } from "./image.ts";
export { type ImageChange, imageChange } from "./image-change.ts";
export { type ImageLocation, locate } from "./location.ts";
export { type Norms, norms, psnr } from "./norms.ts";
export { differenceHash, hashDistance, hashWords } from "./perceptual-hash.ts";
export { type Spectrum, spectrum } from "./spectrum.ts";
export { ssim, ssimWindow } from "./ssim.ts";
