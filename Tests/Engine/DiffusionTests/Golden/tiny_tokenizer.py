# Scope: a CLIP tokenizer cut down to the words of a few prompts, in the two forms in which checkpoints carry one.
import gzip
import importlib.util
import json
import pathlib

BINS = (8, 8)
ATTRIBUTES = ["[easy]", "[hard]", "[background]"]
BEGIN, END = "<|startoftext|>", "<|endoftext|>"
WORDS = "an image with person dog traffic light playingfield grass bench it's other wine glass".split()


def location_tokens(bins=BINS):
    return [f"<l{index}>" for index in range(bins[0] * bins[1])]


def published_merges():
    """The 48,894 merges of CLIP's own vocabulary, as open_clip_torch carries them."""
    package = pathlib.Path(importlib.util.find_spec("open_clip").origin).parent
    with gzip.open(package / "bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8") as lines:
        merges = lines.read().split("\n")[1 : 49152 - 256 - 2 + 1]
    return [tuple(merge.split()) for merge in merges]


def byte_symbols():
    """The printable character that stands for each byte, in the order of CLIP's vocabulary."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in kept]
    return [chr(byte) for byte in kept] + [chr(256 + index) for index in range(len(others))]


def vocabulary_of(merges):
    symbols = byte_symbols()
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(merge) for merge in merges] + [BEGIN, END]
    return {token: index for index, token in enumerate(tokens)}


def merges_for(words):
    """The merges that the full vocabulary applies to these words, in its order."""
    ranks = {merge: rank for rank, merge in enumerate(published_merges())}
    used = set()
    for word in words:
        parts = [*word[:-1], word[-1] + "</w>"]
        while True:
            pairs = [pair for pair in zip(parts, parts[1:]) if pair in ranks]
            if not pairs:
                break
            best = min(pairs, key=ranks.get)
            used.add(best)
            joined, index = [], 0
            while index < len(parts):
                if tuple(parts[index : index + 2]) == best:
                    joined.append("".join(best))
                    index += 2
                else:
                    joined.append(parts[index])
                    index += 1
            parts = joined
    return sorted(used, key=ranks.get)


def write_json(path, value, indent=None):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")


def write_classic(folder, merges, added, pad=END):
    """The form of Stable Diffusion v1.5 with GeoDiffusion's tokens: vocab.json, merges.txt, added_tokens.json."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = vocabulary_of(merges)
    write_json(folder / "vocab.json", vocabulary)
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_json(folder / "added_tokens.json", {token: len(vocabulary) + i for i, token in enumerate(added)})
    special = lambda text: dict(content=text, lstrip=False, normalized=True, rstrip=False, single_word=False)
    names = {"bos_token": special(BEGIN), "eos_token": special(END), "pad_token": pad, "unk_token": special(END)}
    write_json(folder / "special_tokens_map.json", names, indent=2)
    configuration = {
        "add_prefix_space": False, **{key: names[key] for key in ("bos_token", "eos_token", "unk_token")},
        "do_lower_case": True, "errors": "replace", "model_max_length": 77, "pad_token": pad,
        "tokenizer_class": "CLIPTokenizer",
    }
    write_json(folder / "tokenizer_config.json", configuration, indent=2)


def write_single_file(folder, merges, added, pad="!"):
    """The form newer libraries write: tokenizer.json and its configuration; Stable Diffusion 2 pads with `!`."""
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer(vocab=vocabulary_of(merges), merges=list(merges), pad_token=pad, model_max_length=77)
    tokenizer.add_tokens(added)
    tokenizer.save_pretrained(folder)
