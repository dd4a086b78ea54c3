"""Perceptibility measures of fixed images, by scikit-image and colour-science, for src/inputs/measures/measures.test.ts.

    python bench/peers/perceptibility.py bench/peers/fixtures/perceptibility.json    # committed

Needs numpy, scipy, scikit-image and colour-science. Images are 8-bit and drawn here; the file holds their levels (base64, height-width-channel
order) beside the measures.
"""

import base64
import json
import sys

import colour
import numpy as np
from scipy.fft import dctn
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

# Linear sRGB to XYZ, IEC 61966-2-1; the white point is where the matrix puts (1, 1, 1).
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def scene(height, width, channels):
    """A smooth image with an edge, some texture and saturated places."""
    rng = np.random.default_rng([height, width, channels])
    y, x = np.mgrid[0:height, 0:width]
    layers = []
    for channel in range(channels):
        wave = 0.5 + 0.4 * np.sin(0.21 * x + channel) * np.cos(0.13 * y - channel)
        wave[(x + y) % 29 < 6] += 0.3
        wave[:, : width // 4] = 1.1 * wave[:, : width // 4] - 0.1
        layers.append(wave + 0.03 * rng.standard_normal((height, width)))
    return np.clip(np.stack(layers, axis=2), 0, 1)


def changes(image):
    height, width, channels = image.shape
    rng = np.random.default_rng([7, height, width, channels])
    patch = np.zeros_like(image)
    patch[height // 3 : height // 3 + 4, width // 2 : width // 2 + 4] = 0.5
    y = np.arange(height)[:, None, None]
    x = np.arange(width)[None, :, None]
    return {
        "dense": rng.choice([-8 / 255, 8 / 255], image.shape),
        "noise": 0.1 * rng.standard_normal(image.shape),
        "patch": patch,
        "wave": 0.06 * np.cos(np.pi * (2 * y + 1) / height) * np.cos(np.pi * (2 * x + 1) / width) * np.ones(channels),
        "none": np.zeros_like(image),
    }


def levels(image):
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def direct_ssim(x, y, window):
    """The formula of the paper, place by place: for windows that scikit-image does not offer."""
    taps = np.exp(-((np.arange(window) - (window - 1) / 2) ** 2) / (2 * 1.5**2))
    weights = np.outer(taps, taps) / taps.sum() ** 2
    values = []
    for channel in range(x.shape[2]):
        for top in range(x.shape[0] - window + 1):
            for left in range(x.shape[1] - window + 1):
                a = x[top : top + window, left : left + window, channel]
                b = y[top : top + window, left : left + window, channel]
                mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
                var_a = (weights * (a - mean_a) ** 2).sum()
                var_b = (weights * (b - mean_b) ** 2).sum()
                cov = (weights * (a - mean_a) * (b - mean_b)).sum()
                luminance = (2 * mean_a * mean_b + 0.01**2) / (mean_a**2 + mean_b**2 + 0.01**2)
                values.append(luminance * (2 * cov + 0.03**2) / (var_a + var_b + 0.03**2))
    return float(np.mean(values))


def ssim(x, y):
    side = min(11, *x.shape[:2])
    if side < 11:
        return direct_ssim(x, y, side if side % 2 else side - 1)
    return float(
        structural_similarity(
            x, y, data_range=1, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def summary(differences):
    return {
        "mean": float(differences.mean()),
        "p95": float(np.percentile(differences, 95)),
        "max": float(differences.max()),
    }


def lab(image):
    linear = colour.models.eotf_sRGB(image)
    return colour.XYZ_to_Lab(linear @ TO_XYZ.T, colour.XYZ_to_xy(TO_XYZ.sum(axis=1)))


def bands(x, y):
    height, width, channels = x.shape
    fine = np.maximum(np.arange(height)[:, None] / height, np.arange(width)[None, :] / width)
    energy = sum(dctn(x[..., c] - y[..., c], norm="ortho") ** 2 for c in range(channels))
    if energy.sum() == 0:
        return None
    share = energy / energy.sum()
    low, high = fine < 0.25, fine >= 0.5
    return {"low": float(share[low].sum()), "mid": float(share[~low & ~high].sum()), "high": float(share[high].sum())}


def main(path):
    cases = []
    for height, width, channels in [(28, 28, 1), (32, 32, 3), (48, 40, 3), (8, 13, 3), (6, 9, 1), (1, 5, 1), (33, 31, 4)]:
        before = levels(scene(height, width, channels))
        for name, change in changes(scene(height, width, channels)).items():
            after = levels(before / 255 + change)
            x, y = after / 255, before / 255
            case = {
                "name": f"{name} {height}x{width}x{channels}",
                "dims": [height, width, channels],
                "before": base64.b64encode(before.tobytes()).decode(),
                "after": base64.b64encode(after.tobytes()).decode(),
                "ssim": ssim(x, y),
                "psnr": None if name == "none" else float(peak_signal_noise_ratio(y, x, data_range=1)),
                "spectrum": bands(x, y),
            }
            if channels == 3:
                case["ciede2000"] = summary(colour.delta_E(lab(x), lab(y), method="CIE 2000"))
                # With scikit-image's own matrix and white point, which have other digits.
                case["ciede2000ByScikitImage"] = summary(deltaE_ciede2000(rgb2lab(y), rgb2lab(x)))
            cases.append(case)
    with open(path, "w") as file:
        json.dump(cases, file, indent=1)
        file.write("\n")


main(sys.argv[1])
