/* FFmpeg is loaded when it is first called, not when the program starts.
 *
 * Debian's FFmpeg brings some 200 libraries with it, which the dynamic linker takes
 * 50 ms and 40 MB to set up. A raw file needs none of them, and an encoded one can
 * be opened while the window is being made. So the program has a symbol of its own
 * for each function (lazy.S), which the static linker prefers to the library's. With
 * --as-needed, which the Makefile gives, the libraries are then not linked at all;
 * without it everything works the same, only later. */
#if defined(__linux__) && defined(__ELF__) && (defined(__x86_64__) || defined(__aarch64__))

#define _GNU_SOURCE
#include <dlfcn.h>
#include <libavcodec/version.h>
#include <libavdevice/version.h>
#include <libavfilter/version.h>
#include <libavformat/version.h>
#include <libavutil/version.h>
#include <libswresample/version.h>
#include <libswscale/version.h>
#include <stdio.h>
#include <stdlib.h>

#define STRING(x) #x
#define SONAME(lib, major) "lib" #lib ".so." STRING(major)

enum { avutil, avcodec, avformat, avfilter, avdevice, swscale, swresample, libraries };

static const char *const sonames[libraries] = {
    [avutil] = SONAME(avutil, LIBAVUTIL_VERSION_MAJOR),       [avcodec] = SONAME(avcodec, LIBAVCODEC_VERSION_MAJOR),
    [avformat] = SONAME(avformat, LIBAVFORMAT_VERSION_MAJOR), [avfilter] = SONAME(avfilter, LIBAVFILTER_VERSION_MAJOR),
    [avdevice] = SONAME(avdevice, LIBAVDEVICE_VERSION_MAJOR), [swscale] = SONAME(swscale, LIBSWSCALE_VERSION_MAJOR),
    [swresample] = SONAME(swresample, LIBSWRESAMPLE_VERSION_MAJOR),
};

static const struct {
    int lib;
    const char *name;
} functions[] = {
#define F(lib, name) {lib, #name},
#include "lazy.h"
};

extern void *planar_slots[];

/* Fills a slot. Two threads may do so at once: they store the same, and dlopen
 * counts. What is loaded stays until the end. */
void planar_bind(void **slot) {
    int i = (int)(slot - planar_slots);
    const char *name = functions[i].name;
    void *lib = dlopen(sonames[functions[i].lib], RTLD_LAZY | RTLD_GLOBAL);
    void *f = lib ? dlsym(lib, name) : NULL;
    if (!f) {
        /* The package asks for FFmpeg, so this is a broken installation; nothing
         * that calls a function without an address could go on. */
        fprintf(stderr, "planar: FFmpeg's libraries are missing or of another version: %s: install the FFmpeg %d that planar was built with\n",
                dlerror(), LIBAVFORMAT_VERSION_MAJOR - 54);
        _Exit(2);
    }
    __atomic_store_n(slot, f, __ATOMIC_RELEASE);
}

#endif
