package cron

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // machines without a database of zones, such as small containers
)

// Zone finds a time zone by its name in the IANA database; empty is UTC.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	// The machine's own zone is no name of a schedule's.
	if strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("unknown time zone %s", name)
	}
	return time.LoadLocation(name)
}
