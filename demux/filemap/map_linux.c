//go:build linux && cgo

#define _GNU_SOURCE
#include "map_linux.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ // Linux 5.14
#define MADV_POPULATE_READ 22
#endif

// The mappings there are, for the signal handler, which can take no lock. More
// than a player of a few raw files holds at a time (a dozen frames each).
#define SLOTS 128

static struct {
	atomic_int used;
	_Atomic uintptr_t begin, end;
} slots[SLOTS];

static struct sigaction before;
static size_t page_size;
static atomic_int lost;

// on_bus replaces a page that a file no longer has by zeros, and leaves every
// other fault to the handler that was there before: Go's, which panics.
static void on_bus(int sig, siginfo_t *info, void *context)
{
	const uintptr_t at = (uintptr_t)info->si_addr;
	for (int i = 0; i < SLOTS; i++) {
		if (at < atomic_load(&slots[i].begin) || at >= atomic_load(&slots[i].end)) continue;
		void *page = (void *)(at & ~(uintptr_t)(page_size - 1));
		if (mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page) {
			atomic_fetch_add(&lost, 1);
			return;
		}
	}
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(sig, info, context);
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(sig);
	} else {
		sigaction(SIGBUS, &before, NULL); // the fault comes again, and ends the program
	}
}

static void install(void)
{
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	struct sigaction a = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	sigfillset(&a.sa_mask); // as Go's own handlers have it
	sigaction(SIGBUS, &a, &before);
}

int planar_map(int fd, int64_t offset, size_t size, void **at)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, install);
	int i = 0;
	for (int no = 0; i < SLOTS; i++, no = 0) {
		if (atomic_compare_exchange_strong(&slots[i].used, &no, 1)) break;
	}
	if (i == SLOTS) return -1;
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)offset);
	if (p == MAP_FAILED) {
		atomic_store(&slots[i].used, 0);
		return -1;
	}
	atomic_store(&slots[i].begin, (uintptr_t)p);
	atomic_store(&slots[i].end, (uintptr_t)p + size);
	if (madvise(p, size, MADV_POPULATE_READ) != 0) {
		planar_unmap(i);
		return -1;
	}
	*at = p;
	return i;
}

void planar_unmap(int i)
{
	const uintptr_t begin = atomic_load(&slots[i].begin), end = atomic_load(&slots[i].end);
	atomic_store(&slots[i].end, 0); // before somebody else can get the addresses
	atomic_store(&slots[i].begin, 0);
	munmap((void *)begin, end - begin);
	atomic_store(&slots[i].used, 0);
}

int planar_lost_pages(void) { return atomic_load(&lost); }
