// What llama.cpp (node-llama-cpp) makes of a GGUF file: tokens of texts, greedy tokens, log-likelihoods of chunks.
//   node llama_cpp.mjs MODEL.gguf REQUEST.json ANSWER.json
// REQUEST: {"texts": [text], "prompts": [[id]], "greedy": N, "chunks": [[id]]}
import {readFile, writeFile} from "node:fs/promises";
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";

const [, , path, requestFile, answerFile] = process.argv;
// The package lies in the folder from which this is run, not beside this file.
const entry = createRequire(process.cwd() + "/").resolve("node-llama-cpp");
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(entry));
const request = JSON.parse(await readFile(requestFile, "utf8"));
const llama = await getLlama({gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error});
const begin = Date.now();
const model = await llama.loadModel({modelPath: path});
const loaded = Date.now() - begin;
const size = Math.max(512, ...request.chunks.map((ids) => ids.length), ...request.prompts.map((ids) => ids.length + request.greedy));
const context = await model.createContext({contextSize: size, threads: request.threads ?? 1, batchSize: 512});
const sequence = context.getSequence();

async function greedy(ids) {
    await sequence.clearHistory();
    const made = [];
    for await (const token of sequence.evaluate(ids, {temperature: 0, yieldEogToken: true})) {
        made.push(token);
        if (made.length >= request.greedy || model.isEogToken(token)) break;
    }
    return made;
}

async function logLikelihood(ids) {
    await sequence.clearHistory();
    const items = ids.map((id, i) => i + 1 < ids.length
        ? [id, {generateNext: {logits: {filter: {tokens: [ids[i + 1]], includeTop: 1}}, totalLogitWeight: true}}]
        : id);
    const out = await sequence.controlledEvaluate(items);
    let sum = 0;
    for (let i = 0; i + 1 < ids.length; i++) {
        const {logits, totalLogitWeight} = out[i].next;
        const largest = Math.max(...logits.values());
        sum += logits.get(ids[i + 1]) - largest - Math.log(totalLogitWeight);
    }
    return sum;
}

const answer = {loaded_ms: loaded, tokens: request.texts.map((text) => model.tokenize(text, true)), greedy: [], log_likelihoods: []};
for (const ids of request.prompts) answer.greedy.push(await greedy(ids));
for (const ids of request.chunks) answer.log_likelihoods.push(await logLikelihood(ids));
await writeFile(answerFile, JSON.stringify(answer));
await llama.dispose();
