#!/usr/bin/env python3
"""TextAttack's side of bench/text.mjs: reads one JSON command a line on stdin, answers one JSON line on stdout.

{"do": "load", "model": F, "nltk": FOLDER}   an ONNX file over strings [N, 1], whose second output is probabilities [N, classes]; or one over input_ids and attention_mask [N, T]
    with its tokenizer.json beside it (then `tokenizers` is needed), whose first output is logits
{"do": "attack", "recipe": "deepwordbug"|"pruthi", "words": K, "budget": Q, "seed": S, "texts": [...], "labels": [...]}
    for each text {"text": T or null, "queries": n}, and the seconds of all, by the clock and of the processor

`--no-deps textattack==0.3.11`, torch, numpy, onnxruntime, nltk, lru-dict, editdistance, more-itertools, tqdm, filelock, requests. The recipes are TextAttack's own; DeepWordBug
gets its `MaxWordsPerturbed(K)` in addition, so that both sides may change as many words. What TextAttack imports and these two recipes do not use is replaced by empty modules: it
would be gigabytes. NLTK's list of stopwords can't be downloaded: one of our own with the usual function words takes its place (stopwords are not edited).
"""
import json, os, random, sys, time, types, warnings
from pathlib import Path

warnings.filterwarnings("ignore")
answers, sys.stdout = sys.stdout, sys.stderr  # libraries print; the protocol has stdout to itself

UNUSED = """datasets flair flair.data flair.models bert_score language_tool_python lemminflect transformers transformers.models transformers.models.bert OpenHowNet
pinyin jieba jieba.posseg langdetect Levenshtein tokenizers pandas word2number num2words terminaltables""".split()
STOPWORDS = """i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its itself they them their theirs themselves
what which who whom this that these those am is are was were be been being have has had having do does did doing a an the and but if or because as until while of at
by for with about against between into through during before after above below to from up down in out on off over under again further then once here there when where why how
all any both each few more most other some such no nor not only own same so than too very s t can will just don should now d ll m o re ve y""".split()
state = {}


class Anything(type):
    """A class that has every member, and each is such a class."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {})


class Empty(types.ModuleType):
    __path__ = []
    __getattr__ = Anything.__getattr__


def load(model, nltk):
    words = Path(nltk) / "corpora" / "stopwords"
    words.mkdir(parents=True, exist_ok=True)
    (words / "english").write_text("\n".join(STOPWORDS) + "\n")
    os.environ["NLTK_DATA"] = nltk
    try:
        from tokenizers import Tokenizer
    except ImportError:
        Tokenizer = None
    for name in UNUSED:
        sys.modules[name] = Empty(name)
        package, _, last = name.rpartition(".")
        if package:
            setattr(sys.modules[package], last, sys.modules[name])
    import numpy as np
    import onnxruntime
    import textattack
    from textattack.models.wrappers import ModelWrapper

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    tokenizer_file = Path(model).parent / "tokenizer.json"
    of_tokens = session.get_inputs()[0].name == "input_ids"
    if of_tokens:
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        tokenizer.enable_padding()

    def of_strings(texts):
        given, output = session.get_inputs()[0].name, session.get_outputs()[1].name
        return session.run([output], {given: np.array([[text] for text in texts], dtype=object)})[0]

    def by_tokens(texts):
        rows = tokenizer.encode_batch(list(texts))
        feeds = {"input_ids": [row.ids for row in rows], "attention_mask": [row.attention_mask for row in rows]}
        logits = session.run(None, {name: np.array(values, dtype=np.int64) for name, values in feeds.items()})[0]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    class Wrapper(ModelWrapper):
        def __init__(self):
            self.model = session

        def __call__(self, texts, **_):
            return by_tokens(texts) if of_tokens else of_strings(texts)

    state["wrapper"] = Wrapper()
    return {"textattack": getattr(textattack, "__version__", "0.3.11")}


def recipe_of(recipe, words):
    from textattack.attack_recipes import DeepWordBugGao2018, Pruthi2019
    from textattack.constraints.overlap import MaxWordsPerturbed

    if recipe == "pruthi":
        return Pruthi2019.build(state["wrapper"], max_num_word_swaps=words)
    attack = DeepWordBugGao2018.build(state["wrapper"])
    attack.constraints.append(MaxWordsPerturbed(max_num_words=words))
    return attack


def run(recipe, words, budget, seed, texts, labels):
    from textattack.attack_results import SuccessfulAttackResult

    attack = recipe_of(recipe, words)
    attack.goal_function.query_budget = budget
    random.seed(seed)
    results = []
    began, processor = time.perf_counter(), time.process_time()
    for text, label in zip(texts, labels):
        result = attack.attack(text, label)
        won = isinstance(result, SuccessfulAttackResult)
        results.append({"text": result.perturbed_text() if won else None, "queries": result.num_queries})
    seconds = {"clock": time.perf_counter() - began, "processor": time.process_time() - processor}
    return {"results": results, "seconds": seconds}


for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = {"load": load, "attack": run}[command.pop("do")](**command)
    except Exception as error:
        import traceback

        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
