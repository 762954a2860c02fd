/*
 * A stand-in for the NVIDIA driver: as much of libcuda.so.1 as the device layer calls, with the memory of the host.
 * What is launched runs at once, or with the graph that was captured. The environment says what it pretends:
 *
 *   FAKE_DEVICES  number of GPUs; 0 makes cuInit say that there is none (default 1)
 *   FAKE_INIT     what cuInit says instead
 *   FAKE_VERSION  CUDA of the driver (default 13000)
 *   FAKE_ARCH     compute capability (default 90)
 *   FAKE_TAKEN    1: all memory belongs to somebody else
 *   FAKE_EVENTS   how many events there may be at a time (default 1000)
 *
 * Its GPU has 64 MiB. The kernels are those of src/test/cuda/devicetest.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY (64ull << 20)
enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, NO_BINARY = 209, NOT_FOUND = 500 };

typedef struct { unsigned grid[3], block[3], shared; void* stream; void* attributes; unsigned attribute_count; } Config;
typedef struct { const char* name; size_t sizes[4]; int count; unsigned shared; } Function;
typedef struct { Function* function; uint64_t arguments[4]; } Call;
typedef struct { Call calls[64]; int count; } Graph;

static Function functions[] = {
    {"devicetest_scale", {8, 8, 4, 4}, 4, 0},
    {"devicetest_shared", {8, 4}, 2, 0},
    {"devicetest_next", {8}, 1, 0},
    {"devicetest_kinds", {8, 8, 8, 4}, 4, 0},
};
static uint64_t used;
static __thread Graph* capturing;

static int setting(const char* name, int otherwise) {
  const char* value = getenv(name);
  return value ? atoi(value) : otherwise;
}

int cuInit(unsigned flags) {
  (void)flags;
  return setting("FAKE_INIT", setting("FAKE_DEVICES", 1) ? OK : NO_DEVICE);
}
int cuDriverGetVersion(int* version) { *version = setting("FAKE_VERSION", 13000); return OK; }
int cuDeviceGetCount(int* count) { *count = setting("FAKE_DEVICES", 1); return OK; }
int cuDeviceGet(int* device, int ordinal) { *device = ordinal; return OK; }
int cuDeviceGetName(char* name, int length, int device) { (void)device; strncpy(name, "Fake GPU", length); return OK; }
int cuDeviceTotalMem_v2(size_t* bytes, int device) { (void)device; *bytes = MEMORY; return OK; }
int cuDeviceGetAttribute(int* value, int attribute, int device) {
  (void)device;
  int arch = setting("FAKE_ARCH", 90);
  *value = attribute == 75 ? arch / 10 : attribute == 76 ? arch % 10 : attribute == 16 ? 4 : attribute == 97 ? 227 * 1024 : 0;
  return OK;
}
int cuDevicePrimaryCtxRetain(void** context, int device) { (void)device; *context = &used; return OK; }
int cuDevicePrimaryCtxRelease_v2(int device) { (void)device; return OK; }
int cuCtxSetCurrent(void* context) { return context ? OK : INVALID_VALUE; }

/* A block begins with its size, in 256 bytes so that addresses are aligned. */
int cuMemAlloc_v2(void** pointer, size_t bytes) {
  if (setting("FAKE_TAKEN", 0) || bytes > MEMORY - used) return OUT_OF_MEMORY;
  char* block = aligned_alloc(256, (bytes + 511) / 256 * 256);
  memcpy(block, &bytes, sizeof bytes);
  used += bytes;
  *pointer = block + 256;
  return OK;
}
int cuMemFree_v2(void* pointer) {
  size_t bytes;
  char* block = (char*)pointer - 256;
  memcpy(&bytes, block, sizeof bytes);
  used -= bytes;
  free(block);
  return OK;
}
int cuMemGetInfo_v2(size_t* left, size_t* total) {
  *total = MEMORY;
  *left = setting("FAKE_TAKEN", 0) ? 0 : MEMORY - used;
  return OK;
}
int cuMemHostAlloc(void** pointer, size_t bytes, unsigned flags) {
  (void)flags;
  *pointer = malloc(bytes);
  return OK;
}
int cuMemFreeHost(void* pointer) { free(pointer); return OK; }
static int copy(void* to, const void* from, size_t bytes) { memcpy(to, from, bytes); return OK; }
int cuMemcpyHtoDAsync_v2(void* to, const void* from, size_t bytes, void* stream) { (void)stream; return copy(to, from, bytes); }
int cuMemcpyDtoHAsync_v2(void* to, void* from, size_t bytes, void* stream) { (void)stream; return copy(to, from, bytes); }
int cuMemcpyDtoDAsync_v2(void* to, void* from, size_t bytes, void* stream) { (void)stream; return copy(to, from, bytes); }
int cuMemsetD8Async(void* to, unsigned char value, size_t bytes, void* stream) { (void)stream; memset(to, value, bytes); return OK; }

static int handle(void** made) { *made = malloc(1); return OK; }
static int drop(void* made) { free(made); return OK; }
int cuStreamCreate(void** stream, unsigned flags) { (void)flags; return handle(stream); }
int cuStreamDestroy_v2(void* stream) { return drop(stream); }
int cuStreamSynchronize(void* stream) { return stream ? OK : INVALID_VALUE; }
int cuStreamWaitEvent(void* stream, void* event, unsigned flags) { (void)flags; return stream && event ? OK : INVALID_VALUE; }
static int events;
int cuEventCreate(void** event, unsigned flags) {
  (void)flags;
  if (events == setting("FAKE_EVENTS", 1000)) return OUT_OF_MEMORY;
  events++;
  return handle(event);
}
int cuEventDestroy_v2(void* event) { events--; return drop(event); }
int cuEventRecord(void* event, void* stream) { return stream && event ? OK : INVALID_VALUE; }
int cuEventQuery(void* event) { return event ? OK : INVALID_VALUE; }
int cuEventSynchronize(void* event) { return event ? OK : INVALID_VALUE; }
int cuEventElapsedTime(float* milliseconds, void* begin, void* end) { *milliseconds = 0.5f; return begin && end ? OK : INVALID_VALUE; }

int cuModuleLoadData(void** module, const void* image) {
  return *(const char*)image == 'F' ? handle(module) : NO_BINARY;
}
int cuModuleUnload(void* module) { return drop(module); }
int cuModuleGetFunction(void** function, void* module, const char* name) {
  (void)module;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (!strcmp(functions[i].name, name)) {
      *function = &functions[i];
      return OK;
    }
  return NOT_FOUND;
}
int cuFuncSetAttribute(Function* function, int attribute, int value) {
  if (attribute != 8 || value > 227 * 1024) return INVALID_VALUE;
  function->shared = value;
  return OK;
}
int cuFuncGetParamInfo(Function* function, size_t index, size_t* offset, size_t* size) {
  if (index >= (size_t)function->count) return INVALID_VALUE;
  *offset = 0;
  *size = function->sizes[index];
  return OK;
}

static void execute(const Call* call) {
  const uint64_t* a = call->arguments;
  const char* name = call->function->name;
  int count;
  if (!strcmp(name, "devicetest_scale")) {
    float factor;
    memcpy(&count, &a[2], 4);
    memcpy(&factor, &a[3], 4);
    for (int i = 0; i < count; i++) ((float*)a[1])[i] = ((const float*)a[0])[i] * factor;
  } else if (!strcmp(name, "devicetest_shared")) {
    memcpy(&count, &a[1], 4);
    for (int i = 0; i < count; i++) ((float*)a[0])[i] = (float)(count - 1 - i);
  } else if (!strcmp(name, "devicetest_next")) {
    *(int*)a[0] = 3 * *(int*)a[0] + 1;
  } else {
    int small;
    memcpy(&small, &a[3], 4);
    ((int64_t*)a[0])[0] = (int64_t)a[2];
    ((int64_t*)a[0])[1] = small;
    ((int64_t*)a[0])[2] = a[1] == 0;
  }
}

/* The attribute must be that of a dependent launch: number 6, value 1. */
int cuLaunchKernelEx(const Config* config, Function* function, void** arguments, void** extra) {
  if (extra || !config->stream || config->block[0] > 1024 || config->shared > function->shared) return INVALID_VALUE;
  for (int i = 0; i < 3; i++)
    if (!config->grid[i] || !config->block[i]) return INVALID_VALUE;
  if (config->attribute_count > 1) return INVALID_VALUE;
  if (config->attribute_count == 1 && (((int*)config->attributes)[0] != 6 || ((int*)config->attributes)[2] != 1)) return INVALID_VALUE;
  Call call = {function, {0}};
  for (int i = 0; i < function->count; i++) memcpy(&call.arguments[i], arguments[i], function->sizes[i]);
  if (capturing) capturing->calls[capturing->count++] = call;
  else execute(&call);
  return OK;
}

int cuStreamBeginCapture_v2(void* stream, int mode) {
  if (!stream || mode != 1 || capturing) return INVALID_VALUE;
  capturing = calloc(1, sizeof(Graph));
  return OK;
}
int cuStreamEndCapture(void* stream, void** graph) {
  if (!stream || !capturing) return INVALID_VALUE;
  *graph = capturing;
  capturing = NULL;
  return OK;
}
int cuGraphInstantiateWithFlags(void** executable, Graph* graph, unsigned long long flags) {
  (void)flags;
  *executable = malloc(sizeof *graph);
  memcpy(*executable, graph, sizeof *graph);
  return OK;
}
int cuGraphLaunch(Graph* graph, void* stream) {
  for (int i = 0; i < graph->count; i++) execute(&graph->calls[i]);
  return stream ? OK : INVALID_VALUE;
}
int cuGraphDestroy(void* graph) { return drop(graph); }
int cuGraphExecDestroy(void* graph) { return drop(graph); }
