"""Numbers that a name and a seed give, the same here and in the Swift tests (MadeNumbers.swift), so that no weights are committed."""
import numpy

MASK = (1 << 64) - 1


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def words(name, seed, count):
    """SplitMix64 (Steele, Lea and Flood 2014) from the name's FNV-1a and the seed on."""
    state = (numpy.uint64(fnv1a(f"{name}#{seed}")) + numpy.uint64(0x9E3779B97F4A7C15) * numpy.arange(1, count + 1, dtype=numpy.uint64))
    mixed = (state ^ (state >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> numpy.uint64(31))


def floats(name, seed, shape, center, spread):
    """center +- spread, uniform, float32."""
    count = int(numpy.prod(shape, dtype=int))
    unit = (words(name, seed, count) >> numpy.uint64(40)).astype(numpy.float32) / numpy.float32(1 << 24)
    values = numpy.float32(center) + numpy.float32(spread) * (unit * numpy.float32(2) - numpy.float32(1))
    return values.astype(numpy.float32).reshape(shape)


def image(name, seed, width, height, cell):
    """[height, width, 3] bytes: squares of `cell` pixels of one color each."""
    rows, columns = -(-height // cell), -(-width // cell)
    colors = (words(name, seed, rows * columns * 3) >> numpy.uint64(56)).astype(numpy.uint8).reshape(rows, columns, 3)
    return colors.repeat(cell, 0).repeat(cell, 1)[:height, :width]
