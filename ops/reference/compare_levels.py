# Scope: compiles the engine's vector kernels for x86-64-v3 and x86-64-v4 and compares their results byte by byte.
#
#     python ops/reference/compare_levels.py          (clang in PATH, numpy, a processor of level v4)
#
# A program picks one level for all kernels when it starts, so no test of it sees both; products are another matter, whose
# level a test chooses (InvarianceTests). Prints what differs; exit code 1 if anything does.
import ctypes
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "C" / "CKernels"
KERNELS = ["activations", "attention", "kernels", "packing", "pooling", "winograd"]
size, real = ctypes.c_ssize_t, ctypes.c_float
draw = np.random.default_rng(5)


class Image(ctypes.Structure):
    """kernels_winograd_image."""
    _fields_ = [(name, size) for name in "tile height width channels pixel top left columns".split()]


class Activation(ctypes.Structure):
    """kernels_activation."""
    _fields_ = [("function", ctypes.c_int), ("slope", real)]


class Pooling(ctypes.Structure):
    """kernels_pooling."""
    _fields_ = [(name, size) for name in "height width channels rows columns stride top left windows".split()]
    _fields_ += [("counts_all", ctypes.c_int)]


# None, then all of kernels_function.
NONE, *ACTIVATIONS = [Activation(function, 0.1) for function in range(8)]
MISH = ACTIVATIONS[5]


def built(folder, level):
    # Without __linux__ the sources make no clones, and all of it is of the one level.
    target = f"{folder}/{level}.so"
    subprocess.run(
        ["clang", "-O3", "-fno-math-errno", "-mprefer-vector-width=512", f"-march=x86-64-{level}", "-U__linux__", "-fPIC",
         "-shared", f"-I{SOURCES}/include", *(f"{SOURCES}/{name}.c" for name in KERNELS), "-lm", "-o", target], check=True)
    return ctypes.CDLL(target)


def numbers(*shape, scale=1.0):
    return (draw.standard_normal(shape) * scale).astype(np.float32)


def at(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def elementwise(library, x, y):
    results = [np.empty_like(x) for _ in range(len(ACTIVATIONS) + 1)]
    for activation, result in zip(ACTIVATIONS, results):
        library.kernels_activate(activation, at(x), size(x.size), at(result), size(x.size), size(1), size(x.size))
    library.kernels_add(at(x), at(y), at(results[-1]), size(x.size))
    return results


def by_rows(library, x, scale, shift):
    (rows, channels), results = x.shape, [np.empty_like(x) for _ in range(len(ACTIVATIONS) + 3)]
    shape = size(rows), size(channels)
    library.kernels_layer_normalization(at(x), at(scale), at(shift), real(1e-5), at(results[0]), *shape)
    library.kernels_add_row(at(x), at(scale), at(results[1]), *shape)
    for activation, result in zip([NONE, *ACTIVATIONS], results[2:]):
        library.kernels_scale_shift(at(x), at(scale), at(shift), at(result), *shape, activation)
    sums, squares = np.zeros(channels, np.float32), np.zeros(channels, np.float32)
    library.kernels_sum_rows(at(x), at(sums), *shape)
    library.kernels_sum_squares(at(x), at(scale), at(squares), *shape)
    gated = np.zeros((rows, channels // 2), np.float32)
    library.kernels_gated_gelu(at(x), shape[1], at(gated), size(channels // 2), shape[0], size(channels // 2))
    turned, plus = np.zeros((channels, rows), np.float32), np.full((channels, rows), 0.3, np.float32)
    library.kernels_transpose(at(x), shape[1], *shape, real(1.7), at(plus), at(turned), shape[0])
    packed = np.zeros(((rows + 15) // 16, channels, 16), np.float32)
    library.kernels_pack(at(x), shape[1], *shape, size(1), at(packed))
    normalized, scaled = np.zeros_like(packed), np.zeros_like(packed)
    for panel, result in zip(packed, normalized):
        library.kernels_layer_normalization_panel(
            at(panel), at(scale), at(shift), real(1e-5), at(result), shape[1])
    library.kernels_scale(at(packed), real(1.7), at(scaled), size(packed.size))
    return [*results, sums, squares, gated, turned, packed, normalized, scaled]


def softmax(library, first, second):
    pieces = [first.copy(), second.copy()]
    values, factors, sums = np.ones((40, 16), np.float32), np.zeros(16, np.float32), np.zeros(16, np.float32)
    maxima = np.full(16, -np.inf, np.float32)
    library.kernels_mask_later(at(pieces[1]), size(len(second)), size(len(second) // 2), real(-np.inf))
    for piece in pieces:
        library.kernels_softmax_piece(at(piece), size(len(piece)), at(maxima), at(sums), at(factors))
    library.kernels_scale_queries(at(values), size(40), at(factors))
    return [*pieces, maxima, sums, factors, values]


def winograd(library, side, image, weights, bias, plus):
    height, width, channels = image.shape
    columns = -(-width // side)
    tiles, products = -(-height // side) * columns, (side + 2) ** 2
    before = np.zeros((products, tiles * channels + 16), np.float32)
    cut = [size(0), size(tiles)]
    library.kernels_winograd_input(
        at(image), Image(side, height, width, channels, channels, 1, 1, columns), *cut, at(before), size(before.shape[1]))
    result = np.zeros_like(image)
    library.kernels_winograd_output(
        at(before), size(before.shape[1]), Image(side, height, width, channels, channels, 0, 0, columns), *cut, at(bias),
        at(plus), MISH, size(channels - 11), at(result))
    panel = np.zeros((products, channels * 16 + 16), np.float32)
    library.kernels_winograd_weights(
        side, at(weights), size(channels * 9), size(channels), at(panel), size(panel.shape[1]))
    return [before, result, panel]


def pooling(library, image, window, stride, padding):
    height, width, channels = image.shape
    rows, columns = ((side + 2 * padding - window) // stride + 1 for side in (height, width))
    results, line = [np.zeros((rows, columns, channels), np.float32) for _ in range(3)], np.zeros_like(image[0])
    kinds = [("greatest", 0), ("mean", 0), ("mean", 1)]
    for (kind, counts_all), result in zip(kinds, results):
        shape = Pooling(height, width, channels, window, window, stride, padding, padding, columns, counts_all)
        for row in range(rows):
            getattr(library, f"kernels_pool_{kind}")(at(image), shape, size(row), at(line), at(result[row]))
    return results


def cases():
    for count in (1, 7, 16, 33, 1000, 100_003):
        yield elementwise, numbers(count, scale=6), numbers(count)
        yield elementwise, numbers(count, scale=60), numbers(count)
    for rows, channels in ((1, 2), (3, 14), (64, 40), (33, 320), (5, 514)):
        yield by_rows, numbers(rows, channels, scale=3), numbers(channels), numbers(channels)
    for keys in (1, 2, 5, 77, 480):
        yield softmax, numbers(keys, 16, scale=9), numbers(keys, 16, scale=14)
    for side in (4, 6):
        yield winograd, side, numbers(29, 23, 48), numbers(16, 48, 3, 3), numbers(48), numbers(29, 23, 48)
    for channels, window, stride, padding in ((3, 3, 2, 1), (20, 2, 2, 0), (64, 5, 1, 2), (40, 13, 1, 6)):
        yield pooling, numbers(19, 14, channels), window, stride, padding


def main():
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        levels = [built(folder, level) for level in ("v3", "v4")]
        for function, *arguments in cases():
            for index, (a, b) in enumerate(zip(*(function(level, *arguments) for level in levels))):
                count = np.count_nonzero(a.view(np.uint32) != b.view(np.uint32))
                if count:
                    differing += 1
                    print(f"{function.__name__}, result {index}: {count} of {a.size} numbers differ")
    print(f"{differing} results differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
