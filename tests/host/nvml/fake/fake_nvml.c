/* A stand-in for libnvidia-ml.so.1 that says what a text file tells it to.
 *
 * FAKE_NVML_STATE names the file. It is read again whenever it is replaced. Each line is "SCOPE KEY VALUE":
 *
 *   SCOPE  "system", a GPU's index, "*" for any GPU, "G/I" for MIG device I of GPU G, "+/+" for any
 *   KEY    a fact ("name", "power_mw", ...), or
 *          "field.ID", "field.ID.SCOPEID", "field.ID.all"  VALUE is "TYPE NUMBER" or "error CODE"; see field_value()
 *          "fail.FUNCTION", "fail.*"                       VALUE is the return code
 *          "hang.FUNCTION", "crash.FUNCTION"               VALUE is 1
 *          "xid.N" (system)                                VALUE is "GPU XID"; N counts from 1, each delivered once
 *          "generation" (system)                           a process that loaded another one gets code 18 everywhere
 *          "print" (system)                                is written to stdout by nvmlInit
 *
 * A fact that is absent is not supported (3). With -DOLD_DRIVER some newer functions are missing from the library.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    OK = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, TIMEOUT = 10,
    VERSION_MISMATCH = 18, ARGUMENT_VERSION_MISMATCH = 25
};
enum { MAX_GPUS = 64, MAX_MIG = 8, SLOTS = 8192 };

typedef struct { int gpu, mig; } Device;
typedef Device *Handle;
typedef uint64_t u64;
typedef unsigned int uint;

/* ---- the state file ---- */

static struct { char *key, *value; } table[SLOTS];
static char *text;
static struct timespec read_at;
static ino_t read_inode;
static char generation[64];
static int last_xid;

static uint slot_of(const char *key) {
    uint hash = 2166136261u;
    for (const char *c = key; *c; c++) hash = (hash ^ (unsigned char)*c) * 16777619u;
    for (hash %= SLOTS; table[hash].key && strcmp(table[hash].key, key); hash = (hash + 1) % SLOTS) {}
    return hash;
}

static void load(void) {
    const char *path = getenv("FAKE_NVML_STATE");
    struct stat now;
    if (!path || stat(path, &now)) return;
    if (text && now.st_ino == read_inode && now.st_mtim.tv_nsec == read_at.tv_nsec
        && now.st_mtim.tv_sec == read_at.tv_sec) return;
    FILE *file = fopen(path, "r");
    if (!file) return;
    read_inode = now.st_ino;
    read_at = now.st_mtim;
    free(text);
    for (int i = 0; i < SLOTS; i++) { free(table[i].key); table[i].key = table[i].value = NULL; }
    text = calloc(1, (size_t)now.st_size + 1);
    size_t got = fread(text, 1, (size_t)now.st_size, file);
    text[got] = 0;
    fclose(file);
    char *next = text;
    for (char *line; (line = strsep(&next, "\n"));) {
        char *scope = strsep(&line, " "), *name = strsep(&line, " ");
        if (!name) continue;
        char key[160];
        snprintf(key, sizeof key, "%s %s", scope, name);
        uint slot = slot_of(key);
        if (!table[slot].key) table[slot].key = strdup(key);
        table[slot].value = line ? line : "";
    }
}

static const char *look(const char *scope, const char *key) {
    char full[160];
    snprintf(full, sizeof full, "%s %s", scope, key);
    return table[slot_of(full)].value;
}

static const char *system_fact(const char *key) { load(); return look("system", key); }

static const char *fact(Handle device, const char *key) {
    char scope[32];
    if (device->mig >= 0) snprintf(scope, sizeof scope, "%d/%d", device->gpu, device->mig);
    else snprintf(scope, sizeof scope, "%d", device->gpu);
    const char *value = look(scope, key);
    return value ? value : look(device->mig >= 0 ? "+/+" : "*", key);
}

static int is_set(Handle device, const char *what, const char *function) {
    char key[128];
    snprintf(key, sizeof key, "%s.%s", what, function);
    const char *value = device ? fact(device, key) : look("system", key);
    return value ? atoi(value) : 0;
}

/* What every function does first: the code it must fail with, or 0. */
static int enter(const char *function, Handle device) {
    load();
    const char *present = look("system", "generation");
    if (present && strcmp(present, generation)) return VERSION_MISMATCH;
    while (is_set(device, "hang", function)) pause();
    if (is_set(device, "crash", function)) abort();
    int code = is_set(device, "fail", function);
    return code ? code : is_set(device, "fail", "*");
}

#define ENTER(device) do { int code_ = enter(__func__, device); if (code_) return code_; } while (0)

static int number(Handle device, const char *key, u64 *value) {
    const char *found = fact(device, key);
    if (!found) return NOT_SUPPORTED;
    *value = strtoull(found, NULL, 0);
    return OK;
}

#define NUMBER(function, type, key) \
    int function(Handle device, type *value) { \
        ENTER(device); \
        u64 found = 0; \
        int code = number(device, key, &found); \
        *value = (type)found; \
        return code; \
    }

static int words(const char *found, char *out, uint size) {
    if (!found) return NOT_SUPPORTED;
    snprintf(out, size, "%s", found);
    return OK;
}

/* ---- library, system, handles ---- */

static Device gpus[MAX_GPUS], migs[MAX_GPUS][MAX_MIG];

int nvmlInitWithFlags(uint flags) {
    (void)flags;
    for (int g = 0; g < MAX_GPUS; g++) {
        gpus[g] = (Device){g, -1};
        for (int m = 0; m < MAX_MIG; m++) migs[g][m] = (Device){g, m};
    }
    const char *loaded = system_fact("generation");
    snprintf(generation, sizeof generation, "%s", loaded ? loaded : "");
    const char *print = system_fact("print");
    if (print) { printf("%s\n", print); fflush(stdout); }
    return enter("nvmlInitWithFlags", NULL);
}

int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) { (void)code; return "fake error"; }

int nvmlSystemGetDriverVersion(char *out, uint size) { ENTER(NULL); return words(system_fact("driver"), out, size); }
int nvmlSystemGetNVMLVersion(char *out, uint size) { ENTER(NULL); return words(system_fact("nvml"), out, size); }
int nvmlSystemGetCudaDriverVersion_v2(int *out) {
    ENTER(NULL);
    const char *found = system_fact("cuda");
    if (!found) return NOT_SUPPORTED;
    *out = atoi(found);
    return OK;
}

int nvmlDeviceGetCount_v2(uint *count) {
    ENTER(NULL);
    const char *found = system_fact("count");
    *count = found ? (uint)atoi(found) : 0;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(uint index, Handle *device) {
    uint count = 0;
    int code = nvmlDeviceGetCount_v2(&count);
    if (code) return code;
    if (index >= count) return INVALID_ARGUMENT;
    ENTER(&gpus[index]);
    *device = &gpus[index];
    return OK;
}

static void uuid_of(Handle device, char *out, uint size) {
    const char *found = fact(device, "uuid");
    if (found) snprintf(out, size, "%s", found);
    else if (device->mig < 0) snprintf(out, size, "GPU-00000000-0000-0000-0000-%012d", device->gpu);
    else snprintf(out, size, "MIG-00000000-0000-0000-%04d-%012d", device->mig, device->gpu);
}

int nvmlDeviceGetUUID(Handle device, char *out, uint size) { ENTER(device); uuid_of(device, out, size); return OK; }

int nvmlDeviceGetHandleByUUID(const char *uuid, Handle *device) {
    uint count = 0;
    int code = nvmlDeviceGetCount_v2(&count);
    if (code) return code;
    for (uint g = 0; g < count; g++) {
        char its[96];
        uuid_of(&gpus[g], its, sizeof its);
        if (strcmp(its, uuid)) continue;
        ENTER(&gpus[g]);
        *device = &gpus[g];
        return OK;
    }
    return NOT_FOUND;
}

/* ---- identity ---- */

int nvmlDeviceGetName(Handle device, char *out, uint size) {
    ENTER(device);
    return words(fact(device, "name"), out, size);
}
int nvmlDeviceGetSerial(Handle device, char *out, uint size) {
    ENTER(device);
    return words(fact(device, "serial"), out, size);
}

typedef struct { char legacy[16]; uint domain, bus, device, id, subsystem; char bus_id[32]; } Pci;

int nvmlDeviceGetPciInfo_v3(Handle device, Pci *pci) {
    ENTER(device);
    memset(pci, 0, sizeof *pci);
    return words(fact(device, "pci"), pci->bus_id, sizeof pci->bus_id);
}

NUMBER(nvmlDeviceGetMinorNumber, uint, "minor")

/* ---- values ---- */

typedef struct { uint gpu, memory; } Utilization;

int nvmlDeviceGetUtilizationRates(Handle device, Utilization *out) {
    ENTER(device);
    u64 gpu = 0, memory = 0;
    int code = number(device, "util_gpu", &gpu);
    if (!code) code = number(device, "util_memory", &memory);
    *out = (Utilization){(uint)gpu, (uint)memory};
    return code;
}

typedef struct { u64 total, free, used; } Memory;
typedef struct { uint version; u64 total, reserved, free, used; } MemoryV2;

static int memory_of(Handle device, MemoryV2 *out) {
    int code = number(device, "memory_total", &out->total);
    if (code) return code;
    number(device, "memory_used", &out->used);
    number(device, "memory_reserved", &out->reserved);
    out->free = out->total - out->used - out->reserved;
    return OK;
}

int nvmlDeviceGetMemoryInfo(Handle device, Memory *out) {
    ENTER(device);
    MemoryV2 memory = {0};
    int code = memory_of(device, &memory);
    *out = (Memory){memory.total, memory.free, memory.used + memory.reserved};
    return code;
}

static int clock_of(Handle device, const char *prefix, uint type, uint *mhz) {
    char key[32];
    snprintf(key, sizeof key, "%s.%u", prefix, type);
    u64 value = 0;
    int code = number(device, key, &value);
    *mhz = (uint)value;
    return code;
}

int nvmlDeviceGetClockInfo(Handle device, uint type, uint *mhz) {
    ENTER(device);
    return clock_of(device, "clock", type, mhz);
}
int nvmlDeviceGetMaxClockInfo(Handle device, uint type, uint *mhz) {
    ENTER(device);
    return clock_of(device, "max_clock", type, mhz);
}
int nvmlDeviceGetTemperature(Handle device, uint sensor, uint *celsius) {
    ENTER(device);
    u64 value = 0;
    int code = sensor ? INVALID_ARGUMENT : number(device, "temperature", &value);
    *celsius = (uint)value;
    return code;
}

NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, u64, "clocks_event_reasons")
NUMBER(nvmlDeviceGetPowerUsage, uint, "power_mw")
NUMBER(nvmlDeviceGetEnforcedPowerLimit, uint, "power_limit_mw")
NUMBER(nvmlDeviceGetTotalEnergyConsumption, u64, "energy_mj")
NUMBER(nvmlDeviceGetPcieReplayCounter, uint, "pcie_replays")
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, uint, "pcie_generation")
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, uint, "pcie_generation_max")
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, uint, "pcie_width")
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, uint, "pcie_width_max")

int nvmlDeviceGetTotalEccErrors(Handle device, uint kind, uint lifetime, u64 *count) {
    ENTER(device);
    char key[32];
    snprintf(key, sizeof key, "ecc.%u.%u", kind, lifetime);
    return number(device, key, count);
}

int nvmlDeviceGetNvLinkState(Handle device, uint link, uint *active) {
    ENTER(device);
    char key[32];
    snprintf(key, sizeof key, "nvlink_state.%u", link);
    u64 value = 0;
    int code = number(device, fact(device, key) ? key : "nvlink_state", &value);
    *active = (uint)value;
    return code;
}

/* ---- field values ---- */

typedef union { double d; uint u; u64 q; int64_t s; int i; unsigned short h; } Value;
typedef struct { uint field, scope; int64_t at, latency; uint type, code; Value value; } FieldValue;

/* TYPE is the first letter of a member above, in NVML's order of value types. */
static void field_value(Handle device, FieldValue *out) {
    char key[48];
    if (out->scope == UINT32_MAX) snprintf(key, sizeof key, "field.%u.all", out->field);
    else snprintf(key, sizeof key, "field.%u.%u", out->field, out->scope);
    const char *found = fact(device, key);
    if (!found && out->scope != UINT32_MAX) {
        snprintf(key, sizeof key, "field.%u", out->field);
        found = fact(device, key);
    }
    out->code = NOT_SUPPORTED;
    if (!found) return;
    const char *digits = strchr(found, ' ') + 1;
    if (!strncmp(found, "error", 5)) { out->code = (uint)atoi(digits); return; }
    out->code = OK;
    switch (found[0]) {
        case 'd': out->type = 0; out->value.d = atof(digits); break;
        case 'u': out->type = 1; out->value.u = (uint)strtoul(digits, NULL, 0); break;
        case 'q': out->type = 3; out->value.q = strtoull(digits, NULL, 0); break;
        case 's': out->type = 4; out->value.s = strtoll(digits, NULL, 0); break;
        case 'i': out->type = 5; out->value.i = atoi(digits); break;
        default: out->type = 99; break;
    }
}

int nvmlDeviceGetFieldValues(Handle device, int count, FieldValue *values) {
    ENTER(device);
    for (int i = 0; i < count; i++) field_value(device, &values[i]);
    const char *log = system_fact("field_log"); /* how many fields each batch had, for tests */
    if (log) {
        FILE *file = fopen(log, "a");
        if (file) { fprintf(file, "%d %d\n", device->gpu, count); fclose(file); }
    }
    return OK;
}

/* ---- processes ---- */

typedef struct { uint pid; u64 used; uint gpu_instance, compute_instance; } Process;

/* The fact "processes" is "PID:BYTES[:GI:CI] ..."; "-" for the bytes means that NVML does not tell. */
int nvmlDeviceGetComputeRunningProcesses_v3(Handle device, uint *count, Process *out) {
    ENTER(device);
    const char *found = fact(device, "processes");
    if (!found) { *count = 0; return OK; }
    char copy[1024], *next = copy;
    snprintf(copy, sizeof copy, "%s", found);
    Process all[32];
    uint n = 0;
    for (char *word; (word = strsep(&next, " ")) && n < 32;) {
        if (!*word) continue;
        char used[32] = "-";
        Process p = {0, UINT64_MAX, UINT32_MAX, UINT32_MAX};
        sscanf(word, "%u:%31[^:]:%u:%u", &p.pid, used, &p.gpu_instance, &p.compute_instance);
        if (used[0] != '-') p.used = strtoull(used, NULL, 10);
        all[n++] = p;
    }
    uint room = *count;
    *count = n;
    if (!n) return OK;
    if (room < n || !out) return INSUFFICIENT_SIZE;
    memcpy(out, all, n * sizeof *out);
    return OK;
}

/* ---- MIG ---- */

int nvmlDeviceGetMigMode(Handle device, uint *current, uint *pending) {
    ENTER(device);
    u64 mode = 0;
    int code = number(device, "mig_mode", &mode);
    *current = *pending = (uint)mode;
    return code;
}

NUMBER(nvmlDeviceGetMaxMigDeviceCount, uint, "mig_max")

int nvmlDeviceGetMigDeviceHandleByIndex(Handle device, uint index, Handle *out) {
    ENTER(device);
    if (index >= MAX_MIG) return INVALID_ARGUMENT;
    Handle mig = &migs[device->gpu][index];
    if (!fact(mig, "gpu_instance")) return NOT_FOUND;
    *out = mig;
    return OK;
}

NUMBER(nvmlDeviceGetGpuInstanceId, uint, "gpu_instance")
NUMBER(nvmlDeviceGetComputeInstanceId, uint, "compute_instance")

typedef struct { uint multiprocessors, shared[5], gpu_slices, compute_slices; u64 memory_mb; } Attributes;

int nvmlDeviceGetAttributes_v2(Handle device, Attributes *out) {
    ENTER(device);
    memset(out, 0, sizeof *out);
    u64 value = 0;
    int code = number(device, "multiprocessors", &value);
    out->multiprocessors = (uint)value;
    return code;
}

/* ---- events ---- */

static int registered[MAX_GPUS];

int nvmlEventSetCreate(void **set) { ENTER(NULL); *set = registered; return OK; }
int nvmlEventSetFree(void *set) { (void)set; return OK; }
int nvmlDeviceRegisterEvents(Handle device, u64 types, void *set) {
    ENTER(device);
    (void)set;
    registered[device->gpu] = (types & 8) != 0;
    return OK;
}

typedef struct { Handle device; u64 type, data; uint gpu_instance, compute_instance; } Event;

/* Runs beside the other functions, so it reads the state file for itself. */
int nvmlEventSetWait_v2(void *set, Event *event, uint milliseconds) {
    (void)set;
    for (uint waited = 0; waited < milliseconds; waited += 10) {
        FILE *file = fopen(getenv("FAKE_NVML_STATE"), "r");
        char line[256];
        while (file && fgets(line, sizeof line, file)) {
            int which = 0, gpu = 0, xid = 0;
            if (sscanf(line, "system xid.%d %d %d", &which, &gpu, &xid) != 3 || which <= last_xid) continue;
            if (gpu >= 0 && !registered[gpu]) continue;
            fclose(file);
            last_xid = which;
            static Device unheard_of = {-1, -1};
            *event = (Event){gpu >= 0 ? &gpus[gpu] : &unheard_of, 8, (u64)xid, UINT32_MAX, UINT32_MAX};
            return OK;
        }
        if (file) fclose(file);
        usleep(10000);
    }
    return TIMEOUT;
}

/* ---- what only newer drivers have ---- */

#ifndef OLD_DRIVER

int nvmlDeviceGetNumaNodeId(Handle device, int *node) {
    ENTER(device);
    u64 value = 0;
    int code = number(device, "numa", &value);
    *node = (int)value;
    return code;
}

int nvmlDeviceGetMemoryInfo_v2(Handle device, MemoryV2 *out) {
    ENTER(device);
    if (out->version != (sizeof *out | 2 << 24)) return ARGUMENT_VERSION_MISMATCH;
    return memory_of(device, out);
}

typedef struct { uint version, sensor; int celsius; } Temperature;

int nvmlDeviceGetTemperatureV(Handle device, Temperature *out) {
    ENTER(device);
    if (out->version != (sizeof *out | 1 << 24)) return ARGUMENT_VERSION_MISMATCH;
    u64 value = 0;
    int code = number(device, "temperature", &value);
    out->celsius = (int)value;
    return code;
}

typedef struct { uint version; int celsius; } Margin;

int nvmlDeviceGetMarginTemperature(Handle device, Margin *out) {
    ENTER(device);
    if (out->version != (sizeof *out | 1 << 24)) return ARGUMENT_VERSION_MISMATCH;
    u64 value = 0;
    int code = number(device, "temperature_margin", &value);
    out->celsius = (int)value;
    return code;
}

NUMBER(nvmlDeviceGetCurrentClocksEventReasons, u64, "clocks_event_reasons")

int nvmlDeviceGetRemappedRows(Handle device, uint *corrected, uint *uncorrected, uint *pending, uint *failed) {
    ENTER(device);
    const char *found = fact(device, "remapped_rows");
    if (!found) return NOT_SUPPORTED;
    return sscanf(found, "%u %u %u %u", corrected, uncorrected, pending, failed) == 4 ? OK : INVALID_ARGUMENT;
}

typedef struct {
    uint version;
    unsigned char cluster[16];
    uint status, clique, state, health_mask;
    unsigned char health;
} Fabric;

/* The fact "fabric" is "STATE STATUS CLIQUE HEALTHMASK HEALTH CLUSTER", the cluster as 32 hex digits. */
int nvmlDeviceGetGpuFabricInfoV(Handle device, Fabric *out) {
    ENTER(device);
    uint version = out->version >> 24;
    const char *newest = fact(device, "fabric_version");
    if (version > (newest ? (uint)atoi(newest) : 3)) return ARGUMENT_VERSION_MISMATCH;
    const char *found = fact(device, "fabric");
    if (!found) return NOT_SUPPORTED;
    char cluster[33] = "";
    uint health = 0;
    sscanf(found, "%u %u %u %i %u %32s", &out->state, &out->status, &out->clique, (int *)&out->health_mask, &health,
           cluster);
    for (int i = 0; i < 16; i++) sscanf(cluster + 2 * i, "%2hhx", &out->cluster[i]);
    if (version >= 3) out->health = (unsigned char)health;
    return OK;
}

typedef struct { uint version, supported; } GpmSupport;
typedef struct { Handle device; } GpmSample;
typedef struct { uint id, code; double value; const char *names[3]; } GpmMetric;
typedef struct { uint version, count; GpmSample *earlier, *later; GpmMetric metrics[]; } GpmRequest;

int nvmlGpmQueryDeviceSupport(Handle device, GpmSupport *out) {
    ENTER(device);
    out->supported = fact(device, "gpm") != NULL;
    return OK;
}
int nvmlGpmSampleAlloc(GpmSample **sample) { *sample = calloc(1, sizeof **sample); return OK; }
int nvmlGpmSampleFree(GpmSample *sample) { free(sample); return OK; }
int nvmlGpmSampleGet(Handle device, GpmSample *sample) { ENTER(device); sample->device = device; return OK; }

/* The fact "gpm" is "ID:VALUE ..."; any other metric is not supported. */
int nvmlGpmMetricsGet(GpmRequest *request) {
    ENTER(request->later->device);
    if (request->version != 1 || request->earlier == request->later) return INVALID_ARGUMENT;
    for (uint i = 0; i < request->count; i++) {
        GpmMetric *metric = &request->metrics[i];
        char key[16];
        snprintf(key, sizeof key, "%u:", metric->id);
        const char *found = fact(request->later->device, "gpm");
        for (; found && strncmp(found, key, strlen(key)); found = strchr(found, ' '), found = found ? found + 1 : NULL) {}
        metric->code = found ? OK : NOT_SUPPORTED;
        metric->value = found ? atof(strchr(found, ':') + 1) : 0;
    }
    return OK;
}

#endif
