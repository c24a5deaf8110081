// planar_fine_timers takes back, for the calling thread and those that it
// starts, what was set before Go began.
void planar_fine_timers(void);
