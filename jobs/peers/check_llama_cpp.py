"""llama.cpp runs what `export` wrote: tokens, greedy continuation, perplexity; runs in an environment with `tokenizers`.

    check_llama_cpp.py --node FOLDER --checkpoint DIR --prompts LOGITS.json --data DIR --work DIR --output FILE.json

FOLDER has node-llama-cpp in its node_modules, DIR of --checkpoint is SmolLM2-135M-Instruct in bf16, --prompts has
`input_ids` and the `greedy_ids` of transformers in fp32, --data the folder of wikitext2 that `evaluate --tasks wikitext2-2048` reads.
"""

import argparse
import json
import math
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SPARKAO = HERE.parent / "bin" / "sparkao"
TEXTS, CHUNKS, CHUNK, GREEDY = 50, 8, 512, 48
MOST_DIFFERENCE = 0.005
# wikitext2-2048 with shorter chunks.
TASK = f"""task: wikitext2-{CHUNK}
version: "1.0"
kind: perplexity
sources:
  - {{file: wikitext2/wiki.test.raw, format: wikitext-joined}}
target: "{{{{text}}}}"
chunkTokens: {CHUNK}
metrics: [token_perplexity]
"""


def run(command, **more):
    """Standard output of a command that must not fail."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    if result.returncode != 0:
        sys.exit(f"{' '.join(str(part) for part in command)}\nfailed:\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return result.stdout


def perplexity(model, data, work):
    """This project's perplexity of the same chunks, by `evaluate --device cpu`."""
    task = work / f"wikitext2-{CHUNK}.yaml"
    task.write_text(TASK)
    out = run([SPARKAO, "evaluate", "--checkpoint", model, "--tasks", task, "--limit", CHUNKS, "--data", data,
               "--device", "cpu", "--tables", work / "tables"])
    return float(re.search(r"token_perplexity\s+([\d.]+)", out).group(1))


def main():
    from record import save
    from tokenizers import Tokenizer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("node", "checkpoint", "prompts", "data", "work", "output"):
        parser.add_argument("--" + name, required=True, type=Path)
    parser.add_argument("--types", default="F32,Q8_0,Q4_K_M,Q4_0")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(options.checkpoint / "tokenizer.json"))
    wiki = (options.data / "wikitext2" / "wiki.test.raw").read_text() if (options.data / "wikitext2" / "wiki.test.raw").exists() \
        else sys.exit(f"{options.data}/wikitext2/wiki.test.raw is missing")
    lines = [line for line in wiki.splitlines() if len(line) > 60]
    texts = lines[:: max(1, len(lines) // TEXTS)][:TEXTS]
    rows = [line + "\n" if line.strip() else "" for line in wiki.splitlines()]
    ids = tokenizer.encode("\n\n".join(rows)[:60_000], add_special_tokens=False).ids
    prompts = json.loads(options.prompts.read_text())
    request = {"texts": texts, "prompts": [prompt["input_ids"] for prompt in prompts], "greedy": GREEDY,
               "chunks": [ids[i * CHUNK:(i + 1) * CHUNK] for i in range(CHUNKS)]}
    expected = [tokenizer.encode(text).ids for text in texts]
    rows, good = [], True
    for kind in options.types.split(","):
        file = options.work / f"{kind}.gguf"
        if not file.exists():
            run([SPARKAO, "export", "--checkpoint", options.checkpoint, "--type", kind, "--output", file, "--tables", options.work / "tables"])
        answer_file = options.work / f"{kind}.json"
        asked = request | ({"chunks": []} if kind == "F32" else {"prompts": []})
        (options.work / "request.json").write_text(json.dumps(asked))
        run(["node", HERE / "llama_cpp.mjs", file.resolve(), (options.work / "request.json").resolve(), answer_file.resolve()], cwd=options.node)
        answer = json.loads(answer_file.read_text())
        row = {"type": kind, "bytes": file.stat().st_size, "equal_texts": sum(a == b for a, b in zip(answer["tokens"], expected))}
        if kind == "F32":
            row["equal_greedy"] = sum(made[:GREEDY] == prompt["greedy_ids"][:GREEDY] for made, prompt in zip(answer["greedy"], prompts))
            good &= row["equal_greedy"] == len(prompts)
        else:
            theirs = math.exp(-sum(answer["log_likelihoods"]) / (CHUNKS * (CHUNK - 1)))
            ours = perplexity(file, options.data, options.work)
            row |= {"perplexity_llama_cpp": theirs, "perplexity_sparkao": ours, "difference": theirs / ours - 1}
            good &= abs(row["difference"]) <= MOST_DIFFERENCE
        good &= row["equal_texts"] == len(texts)
        rows.append(row)
        print(json.dumps(row))
    package = json.loads((options.node / "node_modules" / "node-llama-cpp" / "package.json").read_text())
    save(options.output, {"check": "GGUF files run by llama.cpp", "texts": len(texts), "prompts": len(prompts), "greedy": GREEDY,
                          "chunks": CHUNKS, "chunk": CHUNK, "versions": {"node-llama-cpp": package["version"]}, "rows": rows})
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
