"""Quantizes a checkpoint with llm-compressor's model_free_ptq on the CPU; runs in the llm-compressor environment."""

import argparse
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--scheme", required=True)
    parser.add_argument("--workers", type=int, default=1, help="max_workers of model_free_ptq")
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0 = torch's own default")
    options = parser.parse_args()
    begin = time.perf_counter()
    import torch
    from llmcompressor import model_free_ptq

    if options.threads:
        torch.set_num_threads(options.threads)
    imported = time.perf_counter()
    model_free_ptq(model_stub=options.checkpoint, save_directory=options.output, scheme=options.scheme,
                   ignore=["lm_head", "re:.*embed_tokens"], max_workers=options.workers, device="cpu")
    done = time.perf_counter()
    print(f"import {imported - begin:.1f} s, model_free_ptq {done - imported:.1f} s, torch threads {torch.get_num_threads()}")


if __name__ == "__main__":
    main()
