# Scope: makes a random checkpoint with the geometry of Stable Diffusion v1.5 and GeoDiffusion's tokens: 859.5 M
# parameters in the UNet, CLIP ViT-L/14's text encoder with 49,408 + 65,536 + 3 tokens. Seeded, so it is the same twice.
#
#     python make_checkpoint.py FOLDER            4.5 GB, float32
#     python make_checkpoint.py FOLDER --half     2.2 GB, float16
#     python make_checkpoint.py FOLDER --small    70 MB: a UNet of a few million parameters, as for training and tests
#     ... --any-versions                          with other versions than the pinned ones, and a vocabulary of a few words where
#                                                 open_clip is not there: where only times matter
#
# Needs Tests/Engine/DiffusionTests/Golden/requirements.txt and 14 GB of memory; FOLDER lies outside the repository.
import argparse
import pathlib
import sys

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/Engine/DiffusionTests/Golden"))
import tiny_checkpoint  # noqa: E402
import tiny_tokenizer  # noqa: E402
import versions  # noqa: E402

WIDTH = 768
SPEC = dict(
    name="sd1", width=WIDTH, text_layers=12, text_heads=12, activation="quick_gelu", prediction="epsilon",
    scheduler=tiny_checkpoint.SD1_SCHEDULER, kept=tiny_checkpoint.SD1["kept"],
    unet=dict(sample_size=64, block_out_channels=(320, 640, 1280, 1280), attention_head_dim=8, cross_attention_dim=768),
    vae=dict(
        sample_size=512, block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4))


SMALL = SPEC | dict(
    width=64, text_layers=2, text_heads=4,
    unet=dict(sample_size=32, block_out_channels=(64, 96, 128, 128), attention_head_dim=8, cross_attention_dim=64),
    vae=SPEC["vae"] | dict(sample_size=256, block_out_channels=(32, 32, 64, 64)))


def place_tokens(text, tokenizer, bins, width):
    """Location tokens begin as the sines and cosines of their place, attributes as the mean of their plain word."""
    frequencies = 10000 ** (-torch.arange(width // 4) / (width // 4))
    token = torch.arange(bins[0] * bins[1])
    angles = [place[:, None] * frequencies for place in (token % bins[0], token // bins[0])]
    rows = torch.cat([function(angle) for angle in angles for function in (torch.sin, torch.cos)], dim=1)
    table = text.get_input_embeddings().weight
    first = tokenizer.convert_tokens_to_ids("<l0>")
    table[first : first + len(rows)] = rows
    for attribute in tiny_tokenizer.ATTRIBUTES:
        plain = tokenizer(attribute.strip("[]"), add_special_tokens=False).input_ids
        table[tokenizer.convert_tokens_to_ids(attribute)] = table[plain].mean(0)


def few_merges():
    """Merges of a few words, each letter by letter."""
    merges = {}
    for word in tiny_tokenizer.WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        for index in range(1, len(parts)):
            merges["".join(parts[:index]), parts[index]] = True
    return list(merges)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--any-versions", action="store_true")
    parser.add_argument("--seed", type=int, default=15)
    options = parser.parse_args()
    if not options.any_versions:
        versions.check()
    if options.folder.exists():
        sys.exit(f"{options.folder} exists; name another folder or delete it")
    options.folder.mkdir(parents=True)
    spec = SMALL if options.small else SPEC
    bins = (256, 256)
    added = tiny_tokenizer.location_tokens(bins) + tiny_tokenizer.ATTRIBUTES
    merges = few_merges() if options.any_versions else tiny_tokenizer.published_merges()
    tiny_tokenizer.write_classic(options.folder / "tokenizer", merges, added)
    tokenizer = CLIPTokenizer.from_pretrained(options.folder / "tokenizer")
    generator = torch.Generator().manual_seed(options.seed)
    text = tiny_checkpoint.text_encoder(spec, len(tokenizer), tokenizer.bos_token_id)
    unet, vae = UNet2DConditionModel(**spec["unet"]), AutoencoderKL(**spec["vae"])
    with torch.no_grad():
        for model in (text, unet, vae):
            tiny_checkpoint.randomise(model.eval(), generator)
        place_tokens(text, tokenizer, bins, spec["width"])
        unet.conv_in.weight.mul_(3)
        prompts = ["", "an image with person <l300> <l51385> [easy]", "an image with dog <l8> <l40000> [hard] grass"]
        ids = tokenizer(prompts, padding="max_length", max_length=77, return_tensors="pt").input_ids
        tiny_checkpoint.fit_output(unet, spec, text(ids).last_hidden_state, generator, batches=10)
    for model in (text, unet, vae) if options.half else ():
        model.half()
    tiny_checkpoint.save(spec, options.folder, text, unet, vae, tokenizer, bins=bins)
    for name, model in (("text encoder", text), ("UNet", unet), ("autoencoder", vae)):
        print(f"{name}: {sum(value.numel() for value in model.parameters()) / 1e6:.1f} M parameters")


if __name__ == "__main__":
    main()
