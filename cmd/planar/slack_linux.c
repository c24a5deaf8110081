#include "slack_linux.h"

#include <sys/prctl.h>

// While a thread is inside C, Go's scheduler looks at it every 20 us, for the
// first milliseconds: 25 times a frame, a fifth of what playing raw 1080p60
// costs. Timers of a thread may be late by its slack, which threads inherit, and
// the scheduler's watcher is the first that Go starts. A constructor runs before.
__attribute__((constructor)) static void coarse(void)
{
	prctl(PR_SET_TIMERSLACK, 500000UL, 0UL, 0UL, 0UL);
}

void planar_fine_timers(void)
{
	prctl(PR_SET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL); // what it was
}
