# Scope: tokenizer folders in each form that libraries have written them: around any byte-level vocabulary.
import json
import os

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
ATTRIBUTES = ["[easy]", "[hard]", "[background]"]


def alphabet():
    """The characters that spell bytes, those that print first."""
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printed]
    return [chr(b) for b in printed] + [chr(256 + n) for n in range(len(others))]


def vocabulary(merges):
    pieces = alphabet()
    pieces = pieces + [p + "</w>" for p in pieces] + ["".join(m) for m in merges] + [BEGIN, END]
    return {piece: i for i, piece in enumerate(pieces)}


def dump(value, folder, name):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, separators=(",", ":"))


def files(folder, merges):
    os.makedirs(folder, exist_ok=True)
    vocab = vocabulary(merges)
    dump(vocab, folder, "vocab.json")
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in merges))
    return vocab


def flags(content, normalized=True, **more):
    return {"content": content, "lstrip": False, "normalized": normalized, "rstrip": False, "single_word": False} | more


def classic(folder, merges, bins):
    """As transformers 4 saved Stable Diffusion v1.5's with tokens added: every older kind of file."""
    vocab = files(folder, merges)
    roles = {"bos_token": BEGIN, "eos_token": END, "unk_token": END}
    dump({k: flags(v) for k, v in roles.items()} | {"pad_token": END}, folder, "special_tokens_map.json")
    dump({k: {"__type": "AddedToken"} | flags(v) for k, v in roles.items()} | {
        "add_prefix_space": False, "do_lower_case": True, "errors": "replace", "model_max_length": 77, "pad_token": END,
        "name_or_path": "tokenizer", "tokenizer_class": "CLIPTokenizer"}, folder, "tokenizer_config.json")
    tokens = [f"<l{i}>" for i in range(bins)] + ATTRIBUTES
    dump({token: len(vocab) + i for i, token in enumerate(tokens)}, folder, "added_tokens.json")


def decoder(folder, merges, bins):
    """As later versions of transformers 4 save Stable Diffusion 2's: flags of every kind, padded with `!`."""
    vocab = files(folder, merges)
    tokens = [flags(f"<l{i}>", normalized=i % 2 == 0) for i in range(bins)] + [flags(a) for a in ATTRIBUTES]
    tokens += [flags("<m%d>" % i, normalized=i % 2 == 0, lstrip=i % 4 < 2, rstrip=i % 8 < 4) for i in range(8)]
    tokens += [flags("[mask]", lstrip=True, rstrip=True), flags("[MASK]", normalized=False, lstrip=True, special=True),
               flags("<word>", single_word=True), flags("a<word>", normalized=False, single_word=True),
               flags("<é>"), flags("two words"), flags("  ", normalized=False, rstrip=True)]
    table = {vocab[BEGIN]: flags(BEGIN, special=True), vocab[END]: flags(END, special=True),
             vocab["!"]: flags("!", normalized=False, special=True)}
    table |= {len(vocab) + i: token for i, token in enumerate(tokens)}
    dump({"added_tokens_decoder": table, "bos_token": BEGIN, "eos_token": END, "unk_token": END, "pad_token": "!",
          "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}, folder, "tokenizer_config.json")
    # Not read where the table above is.
    dump({"pad_token": END}, folder, "special_tokens_map.json")
    dump({"<l0>": 3}, folder, "added_tokens.json")


def pad_only(folder, merges, bins):
    """Stable Diffusion 2's, whose pad token is named and nowhere declared; no tokenizer_config.json."""
    files(folder, merges)
    dump({"bos_token": flags(BEGIN), "eos_token": flags(END), "unk_token": flags(END), "pad_token": "!"}, folder,
         "special_tokens_map.json")


def serialized(folder, merges, bins):
    """As transformers 5 saves the first: tokenizer.json and tokenizer_config.json."""
    from transformers import CLIPTokenizer
    os.makedirs(folder, exist_ok=True)
    CLIPTokenizer.from_pretrained(os.path.join(os.path.dirname(folder), "classic")).save_pretrained(folder)
    path = os.path.join(folder, "tokenizer.json")
    with open(path, encoding="utf-8") as file:
        value = json.load(file)
    dump(value, folder, "tokenizer.json")


FORMS = {"classic": classic, "decoder": decoder, "pad-only": pad_only, "serialized": serialized}
