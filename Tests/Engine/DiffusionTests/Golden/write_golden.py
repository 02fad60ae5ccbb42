# Scope: writes the tiny checkpoints and the golden tensors beside it, with the versions in requirements.txt:
#     python write_golden.py
# Every tensor is float32. Images and latents are stored channels-last, [batch, rows, columns, channels].
import json
import pathlib

import diffusers
import torch
import transformers
from diffusers import DPMSolverMultistepScheduler
from safetensors.torch import save_file

import solver_golden
import tiny_checkpoint
import versions

HERE = pathlib.Path(__file__).parent
GUIDANCE = 3.5
PROMPT = "An image with person <l9> <l44> [easy] traffic light <l3> <l61> [hard] grass <l0> <l63> [background]"
TEXTS = [
    "", PROMPT, "An image with (person,<l23><l44>,[easy]),(dog,<l5><l60>,[hard])", "It's  a\tWINE glass!! 2nd",
    "person<l7>person <l70> [other]", "naïve café — 犬 \U0001f415", "a'll 'tis dog's we've", "l9> <l 9> <L9>",
]


def channels_last(value):
    return value.permute(0, 2, 3, 1).contiguous().float()


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def guided_latents(pipeline, steps, initial, prompt):
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    return pipeline(
        prompt, num_inference_steps=steps, guidance_scale=GUIDANCE, latents=initial.clone(), output_type="latent",
        height=initial.shape[2] * pipeline.vae_scale_factor, width=initial.shape[3] * pipeline.vae_scale_factor,
    ).images


def text_tensors(pipeline):
    tokenizer = pipeline.tokenizer
    values = {}
    for index, text in enumerate(TEXTS):
        # Without padding, and without cutting: with both marks.
        values[f"tokens.{index}"] = torch.tensor(tokenizer(text).input_ids).float()
    ids = tokenizer([PROMPT, ""], padding="max_length", max_length=77, return_tensors="pt").input_ids
    values["text.ids"] = ids.float()
    values["text.hidden"] = pipeline.text_encoder(ids).last_hidden_state
    return values


def network_tensors(pipeline, hidden):
    values = {}
    for name, seed, rows, columns in (("even", 11, 8, 16), ("odd", 12, 9, 11)):
        latents, times = draw(seed, 2, 4, rows, columns), torch.tensor([999, 41])
        values[f"unet.{name}.latents"] = channels_last(latents)
        values[f"unet.{name}.timesteps"] = times.float()
        values[f"unet.{name}.output"] = channels_last(
            pipeline.unet(latents, times, encoder_hidden_states=hidden).sample)
    # What the decoder itself takes: no scaling factor in between.
    latents = draw(16, 1, 4, 5, 3)
    values["vae.latents"] = channels_last(latents)
    values["vae.decoded"] = channels_last(pipeline.vae.decode(latents).sample)
    side = pipeline.vae_scale_factor
    image = draw(13, 1, 3, 5 * side, 3 * side).clamp(-1, 1)
    values["vae.image"] = channels_last(image)
    values["vae.moments"] = channels_last(pipeline.vae.encode(image).latent_dist.parameters)
    return values


def sampling_tensors(pipeline):
    initial = draw(14, 1, 4, 9, 11)
    values = {"sample.initial": channels_last(initial)}
    for steps in (5, 50):
        values[f"sample.{steps}.latents"] = channels_last(guided_latents(pipeline, steps, initial, PROMPT))
    final = values["sample.50.latents"].permute(0, 3, 1, 2) / pipeline.vae.config.scaling_factor
    # In 0...1 and clipped, as the pipeline hands images out.
    values["sample.50.image"] = channels_last((pipeline.vae.decode(final).sample / 2 + 0.5).clamp(0, 1))
    moved = guided_latents(pipeline, 50, initial * (1 + 1e-4 * draw(15, *initial.shape)), PROMPT)
    growth = (channels_last(moved) - values["sample.50.latents"]).norm() / values["sample.50.latents"].norm() / 1e-4
    unprompted = channels_last(guided_latents(pipeline, 50, initial, ""))
    share = (unprompted - values["sample.50.latents"]).norm() / values["sample.50.latents"].norm()
    print(f"  the prompt's relative share in the latents: {share:.2f}")
    print(f"  condition of 50 steps: a relative change of the start grows {growth:.2f} times")
    return values


def report(values):
    for name, value in values.items():
        if not name.startswith("tokens"):
            print(f"  {name:22} {str(list(value.shape)):18} mean {value.mean():8.3f} deviation {value.std():8.3f}")


def main():
    versions.check()
    torch.set_num_threads(1)
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    for spec in (tiny_checkpoint.SD1, tiny_checkpoint.SD2):
        print(spec["name"])
        pipeline = tiny_checkpoint.make(spec, HERE / spec["name"])
        pipeline.set_progress_bar_config(disable=True)
        pipeline.check_inputs = lambda *_: None  # it insists on multiples of 8, whatever the autoencoder's factor
        with torch.no_grad():
            values = text_tensors(pipeline)
            values |= network_tensors(pipeline, values["text.hidden"])
            values |= sampling_tensors(pipeline)
        report(values)
        save_file(values, HERE / f"{spec['name']}.safetensors")
    solver_golden.write(HERE / "solver.json")
    texts = {"prompt": PROMPT, "guidance": GUIDANCE, "texts": TEXTS}
    (HERE / "texts.json").write_text(json.dumps(texts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for path in HERE.rglob("*.safetensors"):
        path.chmod(0o644)


if __name__ == "__main__":
    main()
