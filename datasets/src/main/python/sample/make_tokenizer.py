"""Trains the byte-level BPE tokenizer and turns the training text into token ids.

    python make_tokenizer.py TEXT_FOLDER MODEL_FOLDER

reads TEXT_FOLDER/train.txt, writes MODEL_FOLDER/tokenizer.json and tokenizer_config.json, and
TEXT_FOLDER/train.npz: `ids` (uint16, all stories one after the other) and `begins` (int64, where
each story begins in `ids`, and the end of the last one).
"""

import hashlib
import itertools
import json
import pathlib
import sys

import numpy as np
import tokenizers

END_OF_TEXT = "<|endoftext|>"
VOCABULARY = 1536
STORIES_FOR_MERGES = 40_000
STORIES_AT_ONCE = 5_000


def train(lines):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def config():
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "pad_token": END_OF_TEXT,
        "model_max_length": 512,
        "clean_up_tokenization_spaces": False,
    }


def main(text_folder, model_folder):
    text_folder, model_folder = pathlib.Path(text_folder), pathlib.Path(model_folder)
    model_folder.mkdir(parents=True, exist_ok=True)
    train_file = text_folder / "train.txt"
    with open(train_file, encoding="utf-8") as text:
        tokenizer = train(line.rstrip("\n") for line in itertools.islice(text, STORIES_FOR_MERGES))
    tokenizer.save(str(model_folder / "tokenizer.json"))
    (model_folder / "tokenizer_config.json").write_text(json.dumps(config(), indent=2) + "\n")

    ids, begins = [], [0]
    with open(train_file, encoding="utf-8") as text:
        while batch := [line.rstrip("\n") for line in itertools.islice(text, STORIES_AT_ONCE)]:
            for encoding in tokenizer.encode_batch_fast(batch):
                ids.append(np.array(encoding.ids, dtype=np.uint16))
                begins.append(begins[-1] + len(encoding.ids))
    np.savez(text_folder / "train.npz", ids=np.concatenate(ids), begins=np.array(begins))
    lengths = np.diff(begins)
    print("vocabulary", tokenizer.get_vocab_size())
    print("stories", len(lengths), "tokens", begins[-1], "longest", lengths.max())
    print("train.txt sha256", hashlib.sha256(train_file.read_bytes()).hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:])
