# Scope: writes legacy/, the weights of sd1 as older tools saved them: torch's zip pickles, the autoencoder's attention
# under its old names as 1x1 convolutions, the text encoder without its prefix and with its position ids, the U-Net in
# half precision.
#     python write_legacy.py          (after write_golden.py, with the versions in requirements.txt)
import pathlib

import torch
from safetensors.torch import load_file

import versions

HERE = pathlib.Path(__file__).parent
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def autoencoder(weights):
    for name, value in weights.items():
        if "attentions" in name and "group_norm" not in name:
            for new, old in OLD_NAMES.items():
                name = name.replace(f".{new}.", f".{old}.")
            if name.endswith("weight"):
                value = value[:, :, None, None]
        yield name, value.contiguous()


def text_encoder(weights):
    yield "embeddings.position_ids", torch.arange(77)[None]
    for name, value in weights.items():
        yield name.removeprefix("text_model."), value


def unet(weights):
    for name, value in weights.items():
        yield name, value.half()


def write(part, source, target, rename):
    weights = load_file(HERE / "sd1" / part / source)
    folder = HERE / "legacy" / part
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(dict(rename(weights)), folder / target)


versions.check()
write("vae", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin", autoencoder)
write("unet", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin", unet)
write("text_encoder", "model.safetensors", "pytorch_model.bin", text_encoder)
