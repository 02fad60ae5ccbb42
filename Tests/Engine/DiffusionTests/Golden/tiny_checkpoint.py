# Scope: random checkpoints of a few hundred kilobytes, as whole diffusers folders: one like Stable Diffusion v1.5,
# one like Stable Diffusion 2.
import json
import math
import shutil

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import tiny_tokenizer as words

# As Stable Diffusion v1.5 publishes it, but that DPM-Solver is named, as a user saves it after choosing it.
SD1_SCHEDULER = """{
  "_class_name": "DPMSolverMultistepScheduler",
  "_diffusers_version": "0.30.0",
  "algorithm_type": "dpmsolver++",
  "beta_end": 0.012,
  "beta_schedule": "scaled_linear",
  "beta_start": 0.00085,
  "dynamic_thresholding_ratio": 0.995,
  "euler_at_final": false,
  "final_sigmas_type": "zero",
  "lambda_min_clipped": -Infinity,
  "lower_order_final": true,
  "num_train_timesteps": 1000,
  "prediction_type": "epsilon",
  "sample_max_value": 1.0,
  "solver_order": 2,
  "solver_type": "midpoint",
  "steps_offset": 0,
  "thresholding": false,
  "timestep_spacing": "linspace",
  "trained_betas": null,
  "use_karras_sigmas": false,
  "use_lu_lambdas": false,
  "variance_type": null
}
"""

# As Stable Diffusion 2 publishes it: another sampler's class, whose shared keys DPM-Solver takes.
SD2_SCHEDULER = """{
  "_class_name": "DDIMScheduler",
  "_diffusers_version": "0.8.0",
  "beta_end": 0.012,
  "beta_schedule": "scaled_linear",
  "beta_start": 0.00085,
  "clip_sample": false,
  "num_train_timesteps": 1000,
  "prediction_type": "v_prediction",
  "set_alpha_to_one": false,
  "skip_prk_steps": true,
  "steps_offset": 1,
  "trained_betas": null
}
"""

SD1 = dict(
    name="sd1", seed=1501, width=24, text_layers=2, text_heads=3, activation="quick_gelu", prediction="epsilon",
    unet=dict(
        sample_size=8, block_out_channels=(8, 8, 16, 16), layers_per_block=1, attention_head_dim=2,
        norm_num_groups=4, cross_attention_dim=24,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3),
    vae=dict(
        sample_size=64, block_out_channels=(4, 8, 8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4),
    scheduler=SD1_SCHEDULER,
    # The keys of the published configurations, which are older than most options.
    kept=dict(
        unet={
            "_class_name", "_diffusers_version", "act_fn", "attention_head_dim", "block_out_channels",
            "center_input_sample", "cross_attention_dim", "down_block_types", "downsample_padding",
            "flip_sin_to_cos", "freq_shift", "in_channels", "layers_per_block", "mid_block_scale_factor",
            "norm_eps", "norm_num_groups", "out_channels", "sample_size", "up_block_types"},
        vae={
            "_class_name", "_diffusers_version", "act_fn", "block_out_channels", "down_block_types", "in_channels",
            "latent_channels", "layers_per_block", "norm_num_groups", "out_channels", "sample_size",
            "up_block_types"}))

SD2 = dict(
    name="sd2", seed=2101, width=16, text_layers=2, text_heads=2, activation="gelu", prediction="v_prediction",
    unet=dict(
        sample_size=8, block_out_channels=(8, 8, 16), layers_per_block=2, attention_head_dim=[1, 2, 4],
        norm_num_groups=8, cross_attention_dim=16, use_linear_projection=True, upcast_attention=True,
        down_block_types=("CrossAttnDownBlock2D",) * 2 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 2),
    vae=dict(
        sample_size=32, block_out_channels=(8, 8, 16), layers_per_block=1, norm_num_groups=4, scaling_factor=0.25,
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3, latent_channels=4),
    scheduler=SD2_SCHEDULER, kept={})


def randomise(model, generator):
    """Draws every parameter so that activations stay of order one and no scale is 1 and no shift 0."""
    normal = lambda like: torch.randn(like.shape, generator=generator)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "norm" in name and name.endswith("weight"):
                value.copy_(1 + 0.2 * normal(value))
            elif name.endswith("bias"):
                value.copy_(0.1 * normal(value))
            elif "embedding" in name and value.dim() == 2 and "time_embedding" not in name:
                value.copy_(normal(value) * (0.3 if "position" in name else 1.0))
            else:
                value.copy_(normal(value) / math.sqrt(value[0].numel()))


def text_encoder(spec, vocabulary_size, begin):
    configuration = CLIPTextConfig(
        vocab_size=vocabulary_size, hidden_size=spec["width"], intermediate_size=4 * spec["width"],
        num_hidden_layers=spec["text_layers"], num_attention_heads=spec["text_heads"], max_position_embeddings=77,
        hidden_act=spec["activation"], bos_token_id=0, eos_token_id=2, pad_token_id=1, projection_dim=spec["width"])
    return CLIPTextModel(configuration)


def fit_output(unet, spec, contexts, generator, batches=48):
    """Fits the last convolution to what the network should predict, by least squares on noised smooth pictures.

    A purely random network drives 50 steps of a sampler far away from order one; this one denoises a little.
    """
    scheduler = DDIMScheduler.from_config(json.loads(spec["scheduler"]))
    rows, targets = [], []
    unfold = torch.nn.Unfold(3, padding=1)
    handle = unet.conv_out.register_forward_pre_hook(lambda _, inputs: rows.append(unfold(inputs[0])))
    for _ in range(batches):
        coarse = torch.randn(8, 4, 2, 4, generator=generator)
        clean = torch.nn.functional.interpolate(coarse, size=(8, 16), mode="bilinear")
        noise = torch.randn(clean.shape, generator=generator)
        times = torch.randint(0, 1000, (8,), generator=generator)
        context = contexts[torch.randint(0, len(contexts), (8,), generator=generator)]
        noised = scheduler.add_noise(clean, noise, times)
        with torch.no_grad():
            unet(noised, times, encoder_hidden_states=context)
        velocity = scheduler.get_velocity(clean, noise, times)
        targets.append((noise if spec["prediction"] == "epsilon" else velocity).flatten(2))
    handle.remove()
    features = torch.cat([r.transpose(1, 2).reshape(-1, r.shape[1]) for r in rows]).double()
    wanted = torch.cat([t.transpose(1, 2).reshape(-1, 4) for t in targets]).double()
    features = torch.cat([features, torch.ones(len(features), 1, dtype=torch.double)], dim=1)
    ridge = 1e-3 * len(features) * torch.eye(features.shape[1], dtype=torch.double)
    solution = torch.linalg.solve(features.T @ features + ridge, features.T @ wanted)
    with torch.no_grad():
        unet.conv_out.weight.copy_(solution[:-1].T.reshape(unet.conv_out.weight.shape))
        unet.conv_out.bias.copy_(solution[-1])


def make(spec, folder):
    """Writes the checkpoint folder of a specification and returns the pipeline that diffusers reads back from it."""
    shutil.rmtree(folder, ignore_errors=True)
    generator = torch.Generator().manual_seed(spec["seed"])
    added = words.location_tokens() + words.ATTRIBUTES
    merges = words.merges_for(words.WORDS)
    write = words.write_classic if spec["name"] == "sd1" else words.write_single_file
    write(folder / "tokenizer", merges, added)
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    text = text_encoder(spec, len(tokenizer), tokenizer.bos_token_id)
    unet, vae = UNet2DConditionModel(**spec["unet"]), AutoencoderKL(**spec["vae"])
    for model in (text, unet, vae):
        randomise(model, generator)
        model.eval()
    if spec["name"] == "sd2":
        text.half().float()
    prompts = ["", "an image with person <l3> <l60> [easy]", "an image with dog <l8> <l9> [hard] grass"]
    ids = tokenizer(prompts, padding="max_length", max_length=77, return_tensors="pt").input_ids
    with torch.no_grad():
        unet.conv_in.weight.mul_(3)  # so that the last skip connection carries the latents through
        fit_output(unet, spec, text(ids).last_hidden_state, generator)
        vae.decoder.conv_out.weight.mul_(2)
    if spec["name"] == "sd2":
        unet.half().float()
        vae.half().float()
    save(spec, folder, text, unet, vae, tokenizer)
    pipeline = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True)
    for made, read in ((text, pipeline.text_encoder), (unet, pipeline.unet), (vae, pipeline.vae)):
        back = dict(read.named_parameters())
        for name, value in made.named_parameters():
            if not torch.equal(value, back[name].float()):
                raise SystemExit(f"{folder}: {name} came back changed")
    return pipeline


def save(spec, folder, text, unet, vae, tokenizer, bins=words.BINS):
    scheduler = DDIMScheduler.from_config(json.loads(spec["scheduler"]))
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=scheduler, safety_checker=None,
        feature_extractor=None, requires_safety_checker=False)
    for name in ("unet", "vae", "text_encoder"):
        getattr(pipeline, name).save_pretrained(folder / name)
        strip_configuration(folder / name / "config.json", spec["kept"].get(name))
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(spec["scheduler"])
    index = {key: value for key, value in pipeline.config.items() if not key.startswith("_name")}
    index["scheduler"] = ["diffusers", json.loads(spec["scheduler"])["_class_name"]]
    index["tokenizer"] = ["transformers", "CLIPTokenizer"]
    words.write_json(folder / "model_index.json", {"_class_name": "StableDiffusionPipeline", **index}, indent=2)
    words.write_json(folder / "generation_config.json", {"num_bucket_per_side": list(bins)})
    rewrite_weights(spec, folder)


def strip_configuration(path, kept):
    values = json.loads(path.read_text())
    values = {key: value for key, value in values.items() if key != "_name_or_path" and (not kept or key in kept)}
    words.write_json(path, values, indent=2)


def rewrite_weights(spec, folder):
    """Published names for the text encoder in the first, half precision everywhere in the second."""
    for path in sorted(folder.glob("*/*.safetensors")):
        tensors = load_file(path)
        if path.parent.name == "text_encoder":
            bare = {name.removeprefix("text_model."): value for name, value in tensors.items()}
            tensors = {"text_model." + n: v for n, v in bare.items()} if spec["name"] == "sd1" else bare
        if spec["name"] == "sd2":
            tensors = {name: value.half() for name, value in tensors.items()}
        save_file({name: value.contiguous() for name, value in tensors.items()}, path, metadata={"format": "pt"})
