"""llama.cpp runs what `export` wrote: tokens, greedy continuation, perplexity; runs in an environment with `tokenizers`.

    check_llama_cpp.py --node FOLDER --checkpoint DIR --prompts LOGITS.json --data DIR --work DIR --output FILE.json

llama.cpp rounds what it multiplies with such blocks to 8 bits (Q8_0, Q8_K); how much of a difference that makes is seen from
the same codes, exported once more as F32, which it multiplies in fp32.

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
TEXTS, CHUNKS, GREEDY = 50, 8, 48
MOST_DIFFERENCE = 0.005


def task(chunk):
    """wikitext2-2048 with chunks of another length."""
    return f"""task: wikitext2-{chunk}
version: "1.0"
kind: perplexity
sources:
  - {{file: wikitext2/wiki.test.raw, format: wikitext-joined}}
target: "{{{{text}}}}"
chunkTokens: {chunk}
metrics: [token_perplexity]
"""


def run(command, **more):
    """Standard output of a command that must not fail."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    if result.returncode != 0:
        sys.exit(f"{' '.join(str(part) for part in command)}\nfailed:\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return result.stdout


def perplexity(model, data, work, chunk):
    """This project's perplexity of the same chunks, by `evaluate --device cpu`."""
    file = work / f"wikitext2-{chunk}.yaml"
    file.write_text(task(chunk))
    out = run([SPARKAO, "evaluate", "--checkpoint", model, "--tasks", file, "--limit", CHUNKS, "--data", data,
               "--device", "cpu", "--tables", work / "tables"])
    return float(re.search(r"token_perplexity\s+([\d.]+)", out).group(1))


def ask(node, file, request, work):
    """The answer of llama.cpp."""
    question, answer = work / "request.json", work / f"{file.stem}.json"
    question.write_text(json.dumps(request))
    run(["node", HERE / "llama_cpp.mjs", file.resolve(), question.resolve(), answer.resolve()], cwd=node)
    return json.loads(answer.read_text())


def perplexity_of(answer, chunk):
    """Perplexity of all chunks; their first tokens are given."""
    return math.exp(-sum(answer["log_likelihoods"]) / (CHUNKS * (chunk - 1)))


def export(source, kind, file, work):
    """Writes `file` anew: one that an earlier build left says nothing of this one."""
    file.unlink(missing_ok=True)
    run([SPARKAO, "export", "--checkpoint", source, "--type", kind, "--output", file, "--tables", work / "tables"])
    return file


def main():
    from record import save
    from tokenizers import Tokenizer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("node", "checkpoint", "prompts", "data", "work", "output"):
        parser.add_argument("--" + name, required=True, type=Path)
    parser.add_argument("--types", default="F32,Q8_0,Q4_K_M,Q4_0")
    parser.add_argument("--chunk", type=int, default=2048, help="tokens of a chunk of WikiText-2")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(options.checkpoint / "tokenizer.json"))
    wiki = (options.data / "wikitext2" / "wiki.test.raw").read_text() if (options.data / "wikitext2" / "wiki.test.raw").exists() \
        else sys.exit(f"{options.data}/wikitext2/wiki.test.raw is missing")
    lines = [line for line in wiki.splitlines() if len(line) > 60]
    texts = lines[:: max(1, len(lines) // TEXTS)][:TEXTS]
    rows = [line + "\n" if line.strip() else "" for line in wiki.splitlines()]
    ids = tokenizer.encode("\n\n".join(rows)[:200_000], add_special_tokens=False).ids
    prompts = json.loads(options.prompts.read_text())
    request = {"texts": texts, "prompts": [prompt["input_ids"] for prompt in prompts], "greedy": GREEDY,
               "chunks": [ids[i * options.chunk:(i + 1) * options.chunk] for i in range(CHUNKS)]}
    expected = [tokenizer.encode(text).ids for text in texts]
    rows, good = [], True
    for kind in options.types.split(","):
        file = export(options.checkpoint, kind, options.work / f"{kind}.gguf", options.work)
        answer = ask(options.node, file, request | ({"chunks": []} if kind == "F32" else {"prompts": []}), options.work)
        row = {"type": kind, "bytes": file.stat().st_size, "equal_texts": sum(a == b for a, b in zip(answer["tokens"], expected))}
        if kind == "F32":
            row["equal_greedy"] = sum(made[:GREEDY] == prompt["greedy_ids"][:GREEDY] for made, prompt in zip(answer["greedy"], prompts))
            good &= row["equal_greedy"] == len(prompts)
        else:
            ours = perplexity(file, options.data, options.work, options.chunk)
            decoded = export(file, "F32", options.work / f"{kind}-F32.gguf", options.work)
            theirs = {"blocks": perplexity_of(answer, options.chunk),
                      "fp32": perplexity_of(ask(options.node, decoded, request | {"prompts": [], "texts": []}, options.work), options.chunk)}
            differences = {name: value / ours - 1 for name, value in theirs.items()}
            row |= {"perplexity_llama_cpp": theirs, "perplexity_sparkao": ours, "difference": differences,
                    "within_bound": abs(differences["blocks"]) <= MOST_DIFFERENCE}
            good &= row["within_bound"]
        good &= row["equal_texts"] == len(texts)
        rows.append(row)
        print(json.dumps(row))
    package = json.loads((options.node / "node_modules" / "node-llama-cpp" / "package.json").read_text())
    save(options.output, {"check": "GGUF files run by llama.cpp", "texts": len(texts), "prompts": len(prompts), "greedy": GREEDY,
                          "chunks": CHUNKS, "chunk": options.chunk, "most_difference": MOST_DIFFERENCE, "versions": {"node-llama-cpp": package["version"]}, "rows": rows})
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
