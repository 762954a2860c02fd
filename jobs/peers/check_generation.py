"""vLLM on the CPU generates the same greedy tokens from a sparkao checkpoint as from its peer's; runs in the vLLM environment.

    check_generation.py --pair W8A8 OURS THEIRS --pair FP8_DYNAMIC OURS THEIRS --output FILE.json
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROMPTS = ["The capital of France is", "Once upon a time, a small fox", "def fibonacci(n):", "Water boils when"]
TOKENS = 32


def generate(folder, output):
    """Greedy tokens of every prompt, in a process of its own: vLLM keeps one model a process."""
    from vllm import LLM, SamplingParams

    model = LLM(model=folder, dtype="bfloat16", max_model_len=256, enforce_eager=True)
    sampling = SamplingParams(temperature=0.0, max_tokens=TOKENS, ignore_eos=True)
    answers = [model.generate([prompt], sampling, use_tqdm=False)[0].outputs[0] for prompt in PROMPTS]
    Path(output).write_text(json.dumps([{"tokens": list(answer.token_ids), "text": answer.text} for answer in answers]))


def tokens_of(folder, log):
    """Tokens of the checkpoint in `folder`; on failure the end of vLLM's log."""
    if not (Path(folder) / "config.json").exists():
        sys.exit(f"{folder} is no checkpoint: config.json is missing; make it first (README.md)")
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "tokens.json"
        environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
        with open(log, "w") as file:
            code = subprocess.run([sys.executable, __file__, "--generate", folder, str(output)], stdout=file,
                                  stderr=subprocess.STDOUT, env=environment).returncode
        if code != 0 or not output.exists():
            errors = [line for line in Path(log).read_text().splitlines() if "Error" in line]
            return None, (errors or [f"exit code {code}"])[-1]
        return json.loads(output.read_text()), None


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--generate":
        generate(sys.argv[2], sys.argv[3])
        return 0
    from record import save, versions

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pair", nargs=3, action="append", required=True, metavar=("SCHEME", "OURS", "THEIRS"))
    parser.add_argument("--log", default="vllm.log")
    parser.add_argument("--output", required=True)
    options = parser.parse_args()
    rows = []
    for scheme, ours, theirs in options.pair:
        (mine, my_error), (other, their_error) = tokens_of(ours, options.log), tokens_of(theirs, options.log)
        equal = mine is not None and other is not None and [a["tokens"] for a in mine] == [a["tokens"] for a in other]
        rows.append({"scheme": scheme, "equal": equal, "ours": mine, "theirs": other, "our_error": my_error,
                     "their_error": their_error})
        print(f"{scheme}: {'the same' if equal else 'DIFFERENT'} {TOKENS} greedy tokens for {len(PROMPTS)} prompts"
              f"{' ' + str(my_error or their_error) if my_error or their_error else ''}")
    save(options.output, {"check": "vLLM on the CPU, greedy tokens", "prompts": PROMPTS, "tokens": TOKENS,
                          "versions": versions(sys.executable, "vllm-cpu", "torch", "transformers", "compressed-tensors"),
                          "rows": rows})
    return 0 if all(row["equal"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
