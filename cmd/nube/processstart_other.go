//go:build !linux

package main

import "time"

// processStart is not known here; the time counts from main.
func processStart() (time.Time, bool) { return time.Time{}, false }
