"""
Writes fixtures/tokenizer-*.json: small tokenizers, and what the Rust library makes of texts that attackers write. src/models/text/tokenizer.test.ts compares.

    pip install tokenizers==0.23.3 sentencepiece
    python bench/peers/tokenizers_fixture.py
"""

import json
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
SPAM = HERE.parent.parent / "examples" / "spam" / "messages.tsv"

# Ours: they give the tokenizers some letters beyond ASCII.
TRAINING = [line.split("\t")[1] for line in SPAM.read_text().splitlines()] + [
    "Größe und Übermut, Straße nach Köln; schöne Grüße aus München!",
    "Le garçon a mangé un gâteau à Noël, l'été dernier.",
    "¿Mañana por la mañana? ¡Qué alegría, señor!",
    "Привет, как дела? Увидимся завтра вечером.",
    "Καλημέρα σας, τα λέμε αύριο στους δρόμους.",
    "明天 下午 三点 见 好的 谢谢",
    "Don't say you can't, we'll see; it's 3.50 or 1,000 (maybe) #1 @home 100%",
    "🙂 ok 👍 see you 🎉",
]

TEXTS = [
    "",
    " ",
    "hello",
    "You have won a prize",
    "  two  spaces and a tab\tand a line\nand a carriage\r\nreturn ",
    "FREE prize, call now!!! Only $1.50...",
    "don't can't we'll it's I'd they've",
    "pr\u200bize", "pr\u200cize", "pr\u200dize", "pr\u2060ize", "pr\ufeffize", "pr\u00adize", "pr\u034fize", "pr\u180eize",
    "pr\ufe0fize", "pr\U000e0041ize", "pr\u2800ize", "pr\u3164ize", "pr\u115fize", "pr\u061cize",
    "pr\u200eize", "pr\u200fize", "pr\u202eez\u202cize", "\u2066pr\u2069ize", "\u202dprize\u202c", "prx\u0008ize", "pr\u007fize", "pr\u0085ize",
    "pr\u00a0ize", "pr\u2009ize", "pr\u3000ize", "pr\u2028ize", "pr\ufffdize",
    "рrize", "prіze", "рrіzе", "ρrize", "prızе", "pri\u1d22e", "ｐｒｉｚｅ", "𝐩𝐫𝐢𝐳𝐞", "𝓅rize", "ℙrize", "ⓟrize", "prⅰze", "prizе cаll",
    "prízé", "pri\u0301ze\u0301", "p\u0335r\u0335i\u0335z\u0335e\u0335", "PRÍZÉ", "İstanbul", "ISTANBUL ıI", "STRASSE straße STRAẞE", "ὈΔΥΣΣΕΎΣ ΟΔΟΣ ΣΑΣ Σ",
    "Größe Übermut", "garçon à Noël", "mañana ¿qué?", "Привет, увидимся", "Καλημέρα",
    "明天见 hello 谢谢", "hello\u4e2dworld", "\U00020000\U0002a6df rare", "가나다 각", "\u1112\u1161\u11ab", "ひらがな カタカナ ﾊﾝｶｸ", "สวัสดี", "مرحبا بك", "שלום", "नमस्ते",
    "🙂", "ok👍🏽ok", "👨‍👩‍👧 family", "🏳️‍🌈 🇩🇪", "☎️ call", "5⃣ keycap", "½ ² ³ ① Ⅷ ٣ ৪",
    "ﬁne ﬂow ﬃ", "™ ℃ Å Å ㎏", "a\u0308 ä ǻ", "“quotes” ‘single’ — dash – en… ‐ ‑ − ⁄ ∕",
    "[SEP] is a token [CLS] too [UNK] [PAD]", "<s> and </s> <pad> <unk> <mask>", "[sep] [Sep]", "##ing ##s", "▁under▁score", "a_b c-d e/f g\\h i@j.k",
    "x" * 120, "win" * 40, "0123456789 09098790101 £1.50 €20 1,000.00", "C O N G R A T S", "c.a.l.l n_o_w", "CALL NOW 09098790101 to claim your FREE 500 cash prize " * 6,
]


def special(tokenizer, first, last):
    ids = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
    return processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=ids)


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=500, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False
    )
    tokenizer.train_from_iterator(TRAINING, trainer)
    tokenizer.post_processor = special(tokenizer, "[CLS]", "[SEP]")
    tokenizer.enable_truncation(64)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    return tokenizer


def words():
    """Accents and case kept, split at what is no word; special tokens are looked for in lower case."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)]
    )
    trainer = trainers.WordPieceTrainer(
        vocab_size=400, special_tokens=["[PAD]", "[UNK]"], show_progress=False
    )
    tokenizer.train_from_iterator(TRAINING, trainer)
    tokenizer.add_tokens([tokenizers.AddedToken("[SEP]", normalized=True)])
    tokenizer.enable_truncation(64, direction="left")
    return tokenizer


def byte_level_bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TRAINING, trainer)
    ids = [(token, tokenizer.token_to_id(token)) for token in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(ids[0], ids[1])
    tokenizer.enable_truncation(128)
    return tokenizer


# A few lines of SentencePiece's nmt_nfkc, whose whole map would take 240 kB: from and to, in code points.
RULES = """
FF41>61 FF50>70 FF52>72 FF49>69 FF5A>7A FF45>65 FB01>66,69 FB02>66,6C FB03>66,66,69 2460>31 2167>56,49,49,49 BD>31,2044,32
A0>20 2009>20 3000>20 200B>20 FEFF>20 200E>20 200F>20 AD> 8> 7F> 61,308>E4 65,301>E9 69,301>ED 1112,1161,11AB>D55C
2122>54,4D 33,20E3>33 1F1E9,1F1EA>44,45
"""


def charsmap():
    rows = ["\t".join(side.replace(",", " ") for side in rule.split(">")) for rule in RULES.split()]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rules.tsv").write_text("\n".join(rows) + "\n")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TRAINING),
            model_prefix=f"{folder}/model",
            vocab_size=200,
            normalization_rule_tsv=f"{folder}/rules.tsv",
            hard_vocab_limit=False,
            minloglevel=2,
        )
        from sentencepiece import sentencepiece_model_pb2 as pb

        model = pb.ModelProto()
        model.ParseFromString((Path(folder) / "model.model").read_bytes())
        return model.normalizer_spec.precompiled_charsmap


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap()), normalizers.Replace(tokenizers.Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(TRAINING, trainer)
    tokenizer.post_processor = special(tokenizer, "<s>", "</s>")
    return tokenizer


for name, make in {"wordpiece": wordpiece, "words": words, "byte-level-bpe": byte_level_bpe, "unigram": unigram}.items():
    tokenizer = make()
    encoded = []
    for text in TEXTS:
        normalized = text if tokenizer.normalizer is None else tokenizer.normalizer.normalize_str(text)
        # Padding is by batch; alone there is none.
        encoded.append([text, tokenizer.encode(text).ids, normalized])
    fixture = {"tokenizers": tokenizers.__version__, "tokenizer": json.loads(tokenizer.to_str()), "encoded": encoded}
    path = HERE / "fixtures" / f"tokenizer-{name}.json"
    path.write_text(json.dumps(fixture, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes, {len(encoded)} texts")
