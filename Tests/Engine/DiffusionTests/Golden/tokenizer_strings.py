# Scope: texts that tell tokenizers apart, from a seed: captions, prompts, every script, odd spaces, control characters,
# contractions, added tokens glued and spaced, very long ones, the empty one.
import random
import unicodedata

CATEGORIES = (
    "person bicycle car motorcycle airplane bus train truck boat traffic-light fire-hydrant stop-sign bench bird cat dog "
    "horse sheep cow elephant bear zebra giraffe backpack umbrella handbag tie suitcase frisbee skis snowboard kite "
    "surfboard bottle wine-glass cup fork knife spoon bowl banana apple sandwich orange broccoli carrot pizza donut cake "
    "chair couch bed toilet tv laptop mouse keyboard microwave oven sink book clock vase scissors playingfield sky-other "
    "wall-concrete grass tree building-other pavement"
).split()
WORDS = (
    "a an the with of on in front behind next to near two three old young small large red blue sitting standing riding "
    "holding people man woman's dogs' photo image street kitchen field it's don't we're they've I'm you'll he'd can't "
    "x-ray 3d 2nd 1,000 4.5 100% $20 #1 @home e-mail co-op rock'n'roll O'Neil THE END iPhone NASA St. etc..."
).split()
SPACES = list(" \t\n\r\v\f\u0085\u00a0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000") + [
    "\u200b", "\u180e", "\ufeff", "\x1c", "\x1d", "\x1e", "\x1f", "  ", "\t \t", "\r\n"]
ODD = list("\x00\x01\x07\x08\x0e\x1b\x7f\x80\x9f\u00ad\u200d\u200e\u200f\u202a\u202e\u2066\u2069\ufe0f\ufffc\ufffd") + [
    "\ufffe", "\uffff", "\ufdd0", "\ue000", "\U000e0001", "\U0010ffff", "\U000f0000", "\ud7ff", "\U00010000"]
MARKED = (
    "café cafe\u0301 Ångström A\u030angstro\u0308m ＦＵＬＬ ﬁne ﬀ ｶﾞ が か\u3099 각 각\u1100 ᄀ\u1161\u11a8 가\u11a8 İstanbul ISPARTA ıI ΣΑΣ ὈΔΥΣΣΕΎΣ Ǆ ǅ ǆ ß ẞ "
    "Ω \u2126 K \u212a Å \u212b \u0344 \u0958 क\u093c \u0f73 \u0f75 \u0f81 a\u0f73\u0323\u0301 e\u0300\u0327\u0f75 \u1e9b\u0323 q\u0323\u0307 q\u0307\u0323 \u0385 ｡ 豈 \uf900 \ufa10 \U0002f800 \ufb2c \u05d9\u05b4 "
    "\U0001109a \U00011099\U000110ba \U00011935\U00011930 \U00016d67\U00016d67 \u0ccb \u0cc6\u0cc2\u0cd5 \u1102\u1176 \u1107\u1161\u11a7 \u09c7\u09be <word>\u0c5c \u0dd9\u0dcf\u0dca a\u07fd\u0323 a\u08d3\u0301 x\u0897\u0323 \u1ab0 n\u0303\u0323 Ṩ ½ ² Ⅷ ⅷ ① ٣٤ ५ 〇 ꓐ ǅungla ŉ ǰ ΐ ϓ ﬅ"
).split()
SCRIPTS = [
    (0x21, 0x7E), (0xA0, 0x24F), (0x250, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x530, 0x5FF),
    (0x600, 0x77F), (0x780, 0x8FF), (0x900, 0xDFF), (0xE00, 0xFFF), (0x1000, 0x10FF), (0x1100, 0x11FF), (0x1200, 0x17FF),
    (0x1800, 0x1CFF), (0x1D00, 0x1DFF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x218F), (0x2190, 0x2BFF),
    (0x2C00, 0x2FFF), (0x3000, 0x30FF), (0x3100, 0x33FF), (0x3400, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFE00, 0xFFFF), (0x10000, 0x10FFF), (0x11000, 0x11FFF), (0x16000, 0x16FFF),
    (0x1D000, 0x1D7FF), (0x1E000, 0x1EFFF), (0x1F000, 0x1FAFF), (0x20000, 0x3FFFF), (0xE0000, 0xE01EF), (0x10FF00, 0x10FFFF)]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🫠", "🧑‍🚀", "☃", "\U0001fae9", "✈︎"]
SPECIAL = ["<|startoftext|>", "<|endoftext|>", "<|ENDOFTEXT|>", "<|StartOfText|>", "<|endoftext|", "|endoftext|>",
           "<|endoftext|>>", "!<|endoftext|>", "<||endoftext|>", "</w>", "a</w>", "<w>", "!", "!!", "hi!"]


def added(rng, bins):
    """Location and attribute tokens, and what only looks like one."""
    i = rng.randrange(bins)
    return rng.choice([
        f"<l{i}>", f"<l{i}>", f"<l{i}>", f"<L{i}>", f"<l{bins + i}>", f"<l{i}", f"l{i}>", f"<l {i}>", f"<l0{i}>", f"<<l{i}>>",
        f"<l-{i}>", f"<l{i}><l{i}>", f"<\u212a{i}>", f"<l{i}\u0301>", "[easy]", "[hard]", "[background]", "[Easy]", "[HARD]",
        "[easy", "hard]", "[ easy ]", "easy", "[easy][hard]", "[ba\u0301ckground]", f"<m{i}>", "[mask]", "[MASK]", "<word>",
        "a<word>", "<word>s", "<é>", "<e\u0301>", "<É>", "\u1100<word>", "_<word>", "\u0300<word>\u203f"])


def prompt(rng, bins):
    parts = []
    for _ in range(rng.randint(0, 8)):
        name = rng.choice(CATEGORIES).replace("-", " " if rng.random() < 0.7 else "-")
        one, two = rng.randrange(bins), rng.randrange(bins)
        attribute = rng.choice(["[easy]", "[hard]", "[background]"])
        parts.append(rng.choice([f"({name},<l{one}><l{two}>,{attribute})", f"{name} <l{one}> <l{two}> {attribute}",
                                 f"{name} <l{one}> <l{two}>"]))
    return "An image with " + rng.choice([",", " "]).join(parts)


def caption(rng):
    words = [rng.choice(WORDS + CATEGORIES) for _ in range(rng.randint(1, 14))]
    text = " ".join(words)
    return rng.choice([text, text.capitalize() + ".", text.upper(), text.title(), text + "!", text.replace(" ", "  ")])


def scalar(rng):
    low, high = rng.choice(SCRIPTS)
    return chr(rng.randint(low, high))


def mixture(rng, bins, most):
    kinds = [lambda: rng.choice(WORDS), lambda: rng.choice(SPACES), lambda: rng.choice(ODD), lambda: rng.choice(MARKED),
             lambda: scalar(rng), lambda: scalar(rng), lambda: rng.choice(EMOJI), lambda: rng.choice(SPECIAL),
             lambda: added(rng, bins), lambda: added(rng, bins), lambda: rng.choice("'’`\"<>|[]()-_.,;:!?/\\ "),
             lambda: rng.choice(["'s", "'S", "'t", "'re", "'VE", "'m", "'ll", "'d", "''s", "'x", "s'", "'"]),
             lambda: str(rng.randrange(10 ** rng.randint(1, 9))), lambda: " "]
    return "".join(rng.choice(kinds)() for _ in range(rng.randint(1, most)))


def script(rng, most):
    low, high = rng.choice(SCRIPTS)
    return "".join(" " if rng.random() < 0.1 else chr(rng.randint(low, high)) for _ in range(rng.randint(1, most)))


def marks(rng, most):
    """Bases and combining marks in any order."""
    marks = [chr(c) for low, high in [(0x300, 0x36F), (0x591, 0x5BD), (0x610, 0x61A), (0x64B, 0x65F), (0x93C, 0x94D),
                                      (0xF71, 0xF84), (0x1AB0, 0x1ABE), (0x1DC0, 0x1DFF), (0x3099, 0x309A)]
             for c in range(low, high + 1)]
    bases = "aeiouAEIOUnNsSdqcCkK" + "αωΩυι" + "иИЕ" + "かはウ" + "\u0627\u064a\u06d5" + "\u0915\u0928\u09c7\u0b47\u1100\uac00"
    return "".join(rng.choice(bases if rng.random() < 0.4 else marks) for _ in range(rng.randint(2, most)))


def strings(seed, count, bins, longest):
    """`count` different texts of Unicode scalars, the fixed ones first."""
    rng = random.Random(seed)
    fixed = ["", " ", "\t\n", "a", "A", "é", "'", "'s", "!", "0", "\x00", "a photo of a cat", "<l0>", "[easy]"]
    fixed += CATEGORIES + WORDS + SPACES + ODD + MARKED + EMOJI + SPECIAL
    fixed += ["ab" * longest, "a" * longest, "é" * longest, " " * longest, "<l1>" * (longest // 4), "!" * longest,
              "1" * longest, "\u0301" * longest, "a\u0301\u0323" * (longest // 3), "漢" * longest]
    found = dict.fromkeys(fixed)
    makers = [lambda: prompt(rng, bins), lambda: caption(rng), lambda: mixture(rng, bins, 6),
              lambda: mixture(rng, bins, 14), lambda: script(rng, 12), lambda: marks(rng, 9), lambda: added(rng, bins) + added(rng, bins),
              lambda: "".join(scalar(rng) for _ in range(rng.randint(1, 6)))]
    while len(found) < count:
        text = rng.choice(makers)()
        if not any(unicodedata.category(c) == "Cs" for c in text):
            found[text] = None
    return list(found)[:count]


# Between letters, by itself, after a digit and before a mark, between added tokens.
CONTEXTS = ("a{}B", "x {} 's", "3{}\u0301", "<l1>{}[easy]")
# Long runs that all behave alike: ideographs, Hangul syllables, Tangut, Nushu, Egyptian and Anatolian signs.
LONG_RUNS = ("CJK UNIFIED", "CJK COMPAT", "HANGUL SYLLABLE", "TANGUT", "NUSHU", "KHITAN", "EGYPTIAN", "ANATOLIAN", "CUNEIFORM")


def characters_in_contexts():
    """Every character of Python's Unicode, controls included, in each context."""
    texts = []
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character) in ("Cn", "Cs", "Co"):
            continue
        name = unicodedata.name(character, "")
        if name.startswith(LONG_RUNS) and code % 16:
            continue
        texts += [context.format(character) for context in CONTEXTS]
    return texts
