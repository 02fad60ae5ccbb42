"""Writes the golden files of WeightsTests beside this script.

Versions: torch 2.13.0 (CPU), safetensors 0.8.0, numpy 2.4.6. Seeds: 20240501 (values), 7 (shards).
Expected values come from torch's own `.float()`; `expected.json` holds them as the bits of float32 numbers:
{file: {tensor: {"shape": [...], "format": "...", "bits": [...]}}}, and `casts` has the FNV-1a hashes of all 65,536
half and bfloat16 numbers cast to float32 (little-endian bytes, in the order of the patterns).
"""

import json
import os
from collections import OrderedDict

import numpy as np
import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
formats = {
    "float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16, "float64": torch.float64,
    "int64": torch.int64, "int32": torch.int32, "int16": torch.int16, "int8": torch.int8, "uint8": torch.uint8,
    "bool": torch.bool,
}
names = {dtype: name for name, dtype in formats.items()}
expected = {}


def path(name):
    os.makedirs(os.path.dirname(os.path.join(here, name)), exist_ok=True)
    return os.path.join(here, name)


def bits(tensor):
    return tensor.detach().float().contiguous().numpy().view(np.uint32).reshape(-1).tolist()


def note(file, tensors):
    expected[file] = {
        name: {"shape": list(t.shape), "format": names[t.dtype], "bits": bits(t)} for name, t in tensors.items()
    }


def patterns(dtype, values):
    """Numbers with these bits."""
    return torch.from_numpy(np.array(values, dtype=np.uint16).view(np.int16)).view(dtype)


def every_format():
    torch.manual_seed(20240501)
    tensors = {}
    for name, dtype in formats.items():
        if dtype.is_floating_point:
            tensors[f"{name}.random"] = (torch.randn(3, 5, dtype=torch.float64) * 3).to(dtype)
        elif dtype == torch.bool:
            tensors[f"{name}.random"] = torch.rand(7) < 0.5
        else:
            low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
            tensors[f"{name}.random"] = torch.randint(max(low, -(2**62)), min(high, 2**62), (2, 4)).to(dtype)
            tensors[f"{name}.limits"] = torch.tensor([low, -1 if low < 0 else 0, 0, 1, high], dtype=dtype)
    # Zeros, subnormals (least, some, greatest), the least normal, one, the greatest, infinities, NaNs with payloads.
    half = [0, 1, 2, 3, 0x155, 0x3FE, 0x3FF, 0x400, 0x401, 0x3C00, 0x7BFF, 0x7C00, 0x7C01, 0x7D55, 0x7E00, 0x7FFF]
    brain = [0, 1, 2, 0x55, 0x7F, 0x80, 0x81, 0x3F80, 0x7F7F, 0x7F80, 0x7F81, 0x7FC0, 0x7FFF]
    tensors["float16.special"] = patterns(torch.float16, half + [bits | 0x8000 for bits in half])
    tensors["bfloat16.special"] = patterns(torch.bfloat16, brain + [bits | 0x8000 for bits in brain])
    tensors["float64.special"] = torch.tensor(
        [0.0, -0.0, 1e-46, 7.0e-46, 1e-40, 1e39, -1e39, float("inf"), float("-inf"), float("nan"), 1 + 2**-24,
         1 + 3 * 2**-24, 0.1], dtype=torch.float64)
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(0, 4)
    return tensors


def views():
    torch.manual_seed(20240501)
    base = torch.randn(4, 6)
    half = torch.randn(3, 4).half()
    image = torch.randn(2, 3, 4, 5).bfloat16().contiguous(memory_format=torch.channels_last)
    return {
        "dense": base, "transposed": base.t(), "rows": base[1:3], "columns": base[:, 2:5], "steps": base[::2, 1::2],
        "half.transposed": half.t(), "channels_last": image, "permuted": torch.arange(24).reshape(2, 3, 4).permute(2, 0, 1),
        "bytes.transposed": torch.arange(6, dtype=torch.uint8).reshape(2, 3).t(), "column": base[:, 0:1], "one": base[2, 3],
        "empty": base[4:, :], "position_ids": torch.arange(7).expand((1, -1)),
    }


def save(name, value, tensors, protocol=2):
    torch.save(value, path(name), pickle_protocol=protocol)
    note(name, tensors)


def write_single_files():
    tensors = every_format()
    save_file(tensors, path("formats.safetensors"), metadata={"format": "pt"})
    note("formats.safetensors", tensors)
    save("formats.bin", tensors, tensors)
    tensors = views()
    for protocol in 2, 3, 4, 5:
        save(f"views{protocol}.bin", OrderedDict(tensors), tensors, protocol)
    tied = torch.arange(6.0).reshape(2, 3)
    tensors = {"embedding": tied, "head": tied, "half": tied[1]}
    save("tied.bin", tensors, tensors)
    module = torch.nn.Linear(3, 2)
    torch.nn.init.uniform_(module.weight, -1, 1, generator=torch.Generator().manual_seed(7))
    torch.nn.init.zeros_(module.bias)
    save("module.bin", module.state_dict(), module.state_dict())
    save("parameters.bin", dict(module.named_parameters()), dict(module.named_parameters()))
    nested = {"epoch": 3, "loss": 0.5, "note": "x", "optimizer_states": [{"state": {}}], "state_dict": module.state_dict()}
    save("nested.bin", nested, module.state_dict())
    save("wrapped.bin", {"model": {"module": module.state_dict()}, "epoch": 2**40}, module.state_dict())


def write_shards():
    generator = torch.Generator().manual_seed(7)
    tensors = {f"layers.{i}.weight": torch.randn(2, 3, generator=generator) for i in range(5)}
    for kind, base, write in (
        ("safetensors", "diffusion_pytorch_model", save_file), ("bin", "pytorch_model", torch.save),
    ):
        parts = [dict(list(tensors.items())[:2]), dict(list(tensors.items())[2:])]
        shards = [f"{base}-{i + 1:05}-of-00002.{kind}" for i in range(2)]
        for part, shard in zip(parts, shards):
            write(part, path(f"shards/{shard}"))
        index = {
            "metadata": {"total_size": 120, "nested": [1.5e3, None, {"a": True}]},
            "weight_map": {name: shard for part, shard in zip(parts, shards) for name in part},
        }
        with open(path(f"shards/{base}.{kind}.index.json"), "w") as file:
            json.dump(index, file, indent=2)
        note(f"shards/{base}", tensors)


def write_written():
    """What Safetensors.write must write, byte for byte."""
    tensors = {"b\"q\\é": torch.tensor([[1.0, -2.5], [0.0, 3e-42]]), "a": torch.tensor(7.0), "c": torch.zeros(2, 0)}
    save_file(tensors, path("written.safetensors"), metadata={"made": "by\na \"test\"\t\x01"})
    note("written.safetensors", tensors)


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def casts():
    every = np.arange(65536, dtype=np.uint16).view(np.int16)
    return {
        name: fnv(torch.from_numpy(every.copy()).view(formats[name]).float().numpy().tobytes())
        for name in ("float16", "bfloat16")
    }


if __name__ == "__main__":
    write_single_files()
    write_shards()
    write_written()
    with open(path("expected.json"), "w") as file:
        json.dump({"files": expected, "casts": casts()}, file, separators=(",", ":"), sort_keys=True)
        file.write("\n")
    for folder in here, path("shards"):
        for name in os.listdir(folder):
            if os.path.isfile(os.path.join(folder, name)):
                os.chmod(os.path.join(folder, name), 0o644)  # safetensors writes files for their owner only
