"""llama.cpp's own quantization by one thread, from its library: a JSON line with the seconds of each pass.

    llama_quantize.py LIBRARY_FOLDER SOURCE.gguf OUTPUT.gguf FILE_TYPE PASSES

FILE_TYPE is a number of llama_ftype. The last pass's file stays.
"""

import ctypes
import json
import sys
import time
from pathlib import Path


class Parameters(ctypes.Structure):
    """llama_model_quantize_params of llama.h, llama.cpp 0.5.0."""

    _fields_ = ([(name, ctypes.c_int32) for name in ("threads", "file_type", "output_type", "embedding_type")]
                + [(name, ctypes.c_bool) for name in ("requantize", "quantize_output", "only_copy", "pure", "keep_split", "dry_run")]
                + [(name, ctypes.c_void_p) for name in ("importance", "overrides", "tensor_overrides", "pruned_layers")]
                + [("buffer_bytes", ctypes.c_size_t)])


def main():
    folder, source, output, file_type, passes = Path(sys.argv[1]), *sys.argv[2:]

    def library(name):
        return ctypes.CDLL(str(sorted(folder.glob(name))[0]), mode=ctypes.RTLD_GLOBAL)
    library("libggml-base.so*")
    llama = library("libllama.*so*")
    llama.llama_backend_init()
    quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
    llama.llama_log_set(quiet, None)
    llama.llama_model_quantize_default_params.restype = Parameters
    parameters = llama.llama_model_quantize_default_params()
    if not parameters.quantize_output or parameters.dry_run:
        sys.exit(f"{folder}: parameters of another version than 0.5.0")
    parameters.threads, parameters.file_type = 1, int(file_type)
    seconds = []
    for _ in range(int(passes)):
        Path(output).unlink(missing_ok=True)
        begin = time.perf_counter()
        failed = llama.llama_model_quantize(source.encode(), output.encode(), ctypes.byref(parameters))
        seconds.append(time.perf_counter() - begin)
        if failed:
            sys.exit(f"{source}: llama.cpp failed")
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
