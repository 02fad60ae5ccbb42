# Scope: writes tokenizer folders and the ids that transformers gives for many texts, with the versions in
# requirements.txt.
#
#   write_tokenizer.py            a vocabulary of 300 merges, into the folder tokenizer beside this script
#   write_tokenizer.py --real FOLDER [COUNT]
#                                 CLIP's own vocabulary from open_clip_torch with 65,536 location tokens, and COUNT texts;
#   write_tokenizer.py --characters FOLDER
#                                 the same tokenizers, and every character of Unicode in several contexts; of the long runs
#                                 of ideographs and syllables every sixteenth
# then: DETDIFFUSION_TOKENIZER=FOLDER swift test --filter CLIPTokenizerTests
import gzip
import importlib.util
import json
import os
import sys
from collections import Counter

import tokenizer_folders
import tokenizer_strings
import versions

SEED = 20_240_713


def small_merges(count):
    """Merges of the commonest pairs in captions and prompts of the seed."""
    texts = tokenizer_strings.strings(SEED + 1, 3000, 400, 8)
    words = Counter(word for text in texts if text.isascii() for word in text.lower().split() if word.isalpha())
    words += Counter({"é": 9, "漢": 5, "<|": 5, "|>": 5, "endoftext": 3, "..": 9, "'s": 9, "'ll": 4})
    pieces = dict(zip([*range(33, 127), *range(161, 173), *range(174, 256)], tokenizer_folders.alphabet()))
    others = [b for b in range(256) if b not in pieces]
    pieces |= {b: chr(256 + n) for n, b in enumerate(others)}
    split = {}
    for word in words:
        spelled = [pieces[b] for b in word.encode()]
        split[word] = spelled[:-1] + [spelled[-1] + "</w>"]
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for word, n in words.items():
            for pair in zip(split[word], split[word][1:]):
                pairs[pair] += n
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, parts in split.items():
            joined = []
            while parts:
                step = 2 if tuple(parts[:2]) == best else 1
                joined.append("".join(parts[:step]))
                parts = parts[step:]
            split[word] = joined
    return merges


def real_merges():
    """The 48,894 merges of CLIP's vocabulary."""
    folder = os.path.dirname(importlib.util.find_spec("open_clip").origin)
    with gzip.open(os.path.join(folder, "bpe_simple_vocab_16e6.txt.gz"), "rt", encoding="utf-8") as file:
        return [tuple(line.split()) for line in file.read().split("\n")[1 : 49152 - 256 - 2 + 1]]


def write(folder, merges, bins, texts, most_without_added):
    from transformers import CLIPTokenizer
    ids = {}
    for name, form in tokenizer_folders.FORMS.items():
        form(os.path.join(folder, name), merges, bins)
        tokenizer = CLIPTokenizer.from_pretrained(os.path.join(folder, name))
        # Without added tokens hardly a line is that of another form: fewer of them keep the file small.
        most = most_without_added if name == "pad-only" else len(texts)
        ids[name] = [tokenizer(text)["input_ids"] for text in texts[:most]]
    for name in ids:
        # Most lines of a form are those of the first: only the others are written.
        same = name != "classic" and [ids["classic"][i] == ids[name][i] for i in range(len(ids[name]))]
        with open(os.path.join(folder, f"{name}.ids"), "w", encoding="ascii") as file:
            for i, line in enumerate(ids[name]):
                file.write(("=" if same and same[i] else " ".join(map(str, line[1:-1]))) + "\n")
    with open(os.path.join(folder, "texts.jsonl"), "w", encoding="utf-8", newline="\n") as file:
        for text in texts:
            line = json.dumps(text, ensure_ascii=False)
            # Line ends of other kinds than \n stay inside a line.
            file.write("".join(c if c.isprintable() or c == " " else json.dumps(c)[1:-1] for c in line) + "\n")
    print(len(texts), "texts,", sum(map(len, ids["classic"])), "ids in", folder)


if __name__ == "__main__":
    versions.check()
    if sys.argv[1:2] == ["--real"]:
        count = int(sys.argv[3]) if len(sys.argv) > 3 else 20_000
        write(sys.argv[2], real_merges(), 65_536, tokenizer_strings.strings(SEED, count, 65_536, 5000), count)
    elif sys.argv[1:2] == ["--characters"]:
        texts = tokenizer_strings.characters_in_contexts()
        write(sys.argv[2], real_merges(), 65_536, texts, len(texts))
    else:
        here = os.path.dirname(os.path.abspath(__file__))
        texts = tokenizer_strings.strings(SEED, 1900, 200, 60)
        write(os.path.join(here, "tokenizer"), small_merges(300), 200, texts, 300)
