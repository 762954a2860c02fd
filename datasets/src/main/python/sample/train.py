"""Trains the bundled sample model and writes it in the Hugging Face layout.

    python train.py TEXT_FOLDER MODEL_FOLDER [options]

TEXT_FOLDER holds train.npz and MODEL_FOLDER tokenizer.json (make_tokenizer.py); MODEL_FOLDER gets
config.json, generation_config.json, model.safetensors (bf16) and training.json.
"""

import argparse
import json
import math
import pathlib
import time

import numpy as np
import safetensors.torch
import tokenizers
import torch
from torch.nn import functional as F

import llama

END_OF_TEXT_ID = 0
IGNORED = -100
LENGTH_STEP = 16
SPEED_FROM, SPEED_TO = 1000, 2000


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--intermediate", type=int, default=512)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--kv-heads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=512, help="stories a step")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--warmup", type=int, default=500)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--init", type=float, default=0.02, help="deviation of linear weights")
    parser.add_argument("--decay", type=float, default=0.0, help="weight decay")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--most-seconds", type=float, default=0, help="shortens the schedule")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true")
    return parser.parse_args()


def model_config(a, vocabulary):
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": END_OF_TEXT_ID,
        "eos_token_id": END_OF_TEXT_ID,
        "pad_token_id": END_OF_TEXT_ID,
        "head_dim": a.hidden // a.heads,
        "hidden_act": "silu",
        "hidden_size": a.hidden,
        "initializer_range": 0.02,
        "intermediate_size": a.intermediate,
        "max_position_embeddings": 512,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": a.heads,
        "num_hidden_layers": a.layers,
        "num_key_value_heads": a.kv_heads,
        "rms_norm_eps": 1e-5,
        "rope_scaling": None,
        "rope_theta": 100000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": vocabulary,
    }


def initialize(model, std, layers):
    for name, parameter in model.named_parameters():
        if "embed_tokens" in name:
            torch.nn.init.normal_(parameter, std=0.02)
        elif parameter.dim() == 2:
            last = name.endswith(("o_proj.weight", "down_proj.weight"))
            torch.nn.init.normal_(parameter, std=std / math.sqrt(2 * layers) if last else std)


class Stories:
    """Batches of whole stories of similar length, in an order given by the seed.

    Every second story begins with the end-of-text token, so the model does with and without it.
    """

    def __init__(self, file, batch, seed, device):
        data = np.load(file)
        self.ids = torch.from_numpy(data["ids"].astype(np.int32)).to(device)
        self.begins = torch.from_numpy(data["begins"]).to(device)
        self.lengths = np.diff(data["begins"])
        self.batch, self.device = batch, device
        self.random = np.random.default_rng(seed)
        self.queue = []

    def new_pass(self):
        order = self.random.permutation(len(self.lengths))
        widths = -(-(self.lengths[order] + 2) // LENGTH_STEP) * LENGTH_STEP
        by_width = np.argsort(widths, kind="stable")
        whole = len(order) // self.batch * self.batch
        batches = order[by_width][:whole].reshape(-1, self.batch)
        batches = self.random.permutation(batches)
        longest = self.lengths[batches].max(axis=1)
        widths = -(-(longest + 2) // LENGTH_STEP) * LENGTH_STEP
        self.queue = list(zip(torch.from_numpy(batches).to(self.device), widths.tolist()))

    def next(self):
        """Ids and targets, both [batch, width]."""
        if not self.queue:
            self.new_pass()
        chosen, width = self.queue.pop()
        begins = self.begins[chosen][:, None]
        lengths = self.begins[chosen + 1][:, None] - begins
        at = torch.arange(width + 1, device=self.device)[None, :] - chosen[:, None] % 2
        inside = (at >= 0) & (at < lengths)
        rows = torch.where(inside, self.ids[torch.where(inside, begins + at, 0)], END_OF_TEXT_ID)
        targets = torch.where(at <= lengths, rows, IGNORED)
        return rows[:, :-1].long(), targets[:, 1:].long()


def train(a, model, stories):
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(0.9, 0.98), weight_decay=a.decay, fused=a.device == "cuda"
    )

    def loss_of(ids, targets):
        with torch.autocast(a.device, dtype=torch.bfloat16):
            logits = model(ids)
        return F.cross_entropy(
            logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED
        )

    step_loss = torch.compile(loss_of, dynamic=False) if a.compile else loss_of
    begin, steps, losses, step, tokens = time.time(), a.steps, [], 0, 0
    while step < steps:
        if a.most_seconds and step == SPEED_FROM:
            timed = time.time()
        if a.most_seconds and step == SPEED_TO:
            a_step = (time.time() - timed) / (SPEED_TO - SPEED_FROM)
            steps = step + int((a.most_seconds - (time.time() - begin)) / a_step)
            print("steps", steps, flush=True)
        rate = a.rate * min(1, (step + 1) / a.warmup, (steps - step) / (0.5 * steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        ids, targets = stories.next()
        loss = step_loss(ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())
        tokens += ids.numel()
        step += 1
        if step % 250 == 0 or step == steps:
            mean = torch.stack(losses[-250:]).mean().item()
            print(f"step {step} loss {mean:.4f} seconds {time.time() - begin:.0f}", flush=True)
    result = {"final_loss": torch.stack(losses[-1000:]).mean().item(), "steps": step}
    return result | {"tokens": tokens, "seconds": round(time.time() - begin)}


def save(a, model, result):
    a.model.mkdir(parents=True, exist_ok=True)
    weights = {n: t.detach().to("cpu", torch.bfloat16) for n, t in model.state_dict().items()}
    safetensors.torch.save_file(weights, a.model / "model.safetensors", {"format": "pt"})
    generation = {"bos_token_id": END_OF_TEXT_ID, "eos_token_id": END_OF_TEXT_ID}
    recipe = {n: v for n, v in vars(a).items() if n not in ("text", "model", "most_seconds")}
    device = torch.cuda.get_device_name() if a.device == "cuda" else a.device
    result |= {"parameters": sum(t.numel() for t in weights.values())}
    result |= {"torch": torch.__version__, "device": device}
    for name, content in [
        ("config.json", model.config),
        ("generation_config.json", generation),
        ("training.json", recipe | result),
    ]:
        (a.model / name).write_text(json.dumps(content, indent=2) + "\n")


def main():
    a = arguments()
    torch.manual_seed(a.seed)
    torch.set_float32_matmul_precision("high")
    stories = Stories(a.text / "train.npz", a.batch, a.seed, a.device)
    vocabulary = -(-(int(stories.ids.max()) + 1) // 128) * 128
    model = llama.Llama(model_config(a, vocabulary))
    initialize(model, a.init, a.layers)
    model.to(a.device)
    print("parameters", sum(p.numel() for p in model.parameters()), flush=True)
    save(a, model, train(a, model, stories))


if __name__ == "__main__":
    main()
