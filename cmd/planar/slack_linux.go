package main

// #include "slack_linux.h"
import "C"

func init() { C.planar_fine_timers() }
