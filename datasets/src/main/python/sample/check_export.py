"""Loads a checkpoint folder with transformers and compares its logits with llama.py's.

    python check_export.py TEXT_FOLDER MODEL_FOLDER
"""

import pathlib
import sys

import torch
import transformers

import llama


def main(text_folder, model_folder):
    line = (pathlib.Path(text_folder) / "held-out.txt").read_text(encoding="utf-8").splitlines()[0]
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    ids = tokenizer(line, return_tensors="pt")["input_ids"]
    model = transformers.AutoModelForCausalLM.from_pretrained(
        model_folder, dtype=torch.float32, attn_implementation="eager"
    )
    with torch.no_grad():
        theirs, ours = model(ids).logits, llama.load(model_folder)(ids)
    prompt = tokenizer(line[: line.index(".") + 1], return_tensors="pt")
    out = model.generate(**prompt, max_new_tokens=40, do_sample=False)
    print("tokens", ids.shape[1], "largest difference of logits", (theirs - ours).abs().max().item())
    print(tokenizer.decode(out[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
