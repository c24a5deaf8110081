#define _GNU_SOURCE
#include "output.h"

#include <dlfcn.h>

static void quiet(const char *file, int line, const char *function, int err, const char *fmt, ...) {
    (void)file, (void)line, (void)function, (void)err, (void)fmt;
}

/* ALSA's library prints a dozen lines to stderr when there is no device; the
 * error that SDL returns says it in one. The library is there only if SDL uses it. */
void planar_quiet_alsa(void) {
    int (*set)(void *) = (int (*)(void *))dlsym(RTLD_DEFAULT, "snd_lib_error_set_handler");
    if (set) {
        set((void *)quiet);
    }
}
